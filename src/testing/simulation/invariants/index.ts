/** What Weir promises, as invariants of every simulated world. */
import type { Invariant } from '../world.ts';
import { acceptedFlowsExist } from './accepted-flows-exist.ts';
import { audit } from './audit.ts';
import { errorsAreTold } from './errors-are-told.ts';
import { flowLives } from './flow-lives.ts';
import { journals } from './journals.ts';
import { lossesAreNoticed } from './losses-are-noticed.ts';
import { noDefectsLogged } from './no-defects-logged.ts';
import { nothingGoesOn } from './nothing-goes-on.ts';
import { oneWriter } from './one-writer.ts';
import { oneWriterAtBrokers } from './one-writer-at-brokers.ts';
import { sessionEnds } from './session-ends.ts';
import { Lanes } from './session-lanes.ts';
import { sessions } from './sessions.ts';
import { statusesAreCommitted } from './statuses-are-committed.ts';
import { stepsComeAfterCommits } from './steps-come-after-commits.ts';
import { streamsBetweenShards } from './streams-between-shards.ts';

/** A fresh set for one run. */
export function weirInvariants(): Invariant[] {
  const lanes = new Lanes();
  return [
    oneWriter(),
    oneWriterAtBrokers(),
    streamsBetweenShards(),
    sessions(lanes),
    sessionEnds(lanes),
    journals(),
    flowLives(),
    audit(),
    stepsComeAfterCommits(),
    statusesAreCommitted(),
    acceptedFlowsExist(),
    noDefectsLogged(),
    errorsAreTold(),
    nothingGoesOn(),
    lossesAreNoticed(),
  ];
}
