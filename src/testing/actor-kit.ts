/** Actors under test: a system whose time the test moves, probes in it, and its log. */
import {
  type ActorSystem,
  type Behavior,
  createActorSystem,
  type DeadLetter,
  type Ref,
  type SpawnOptions,
} from '../actors/kernel/index.ts';
import { type Duration, seededRandom, toMs } from '../ports/index.ts';
import { type CapturedLog, capturedLog } from './captured-log.ts';
import { callSite } from './expectation.ts';
import { type Probe, probeIn } from './probe.ts';
import { settledWithin, type Within } from './until.ts';
import { type VirtualClock, virtualClock } from './virtual-clock.ts';

export interface ActorKitSettings {
  /** Everything random follows from it. Default 1. */
  readonly seed?: number;
  /** Wall clock at the start, in milliseconds since 1970. Default 2026-01-01T00:00:00Z. */
  readonly start?: number;
}

export interface ActorKit {
  readonly system: ActorSystem;
  readonly clock: VirtualClock;
  readonly log: CapturedLog;
  /** Messages that found nobody, oldest first. */
  readonly deadLetters: readonly DeadLetter[];
  /** Failures that nobody was left to handle, oldest first. */
  readonly escalations: ReadonlyArray<{ readonly path: string; readonly error: Error }>;
  /** Starts a top-level actor. */
  spawn<Message>(name: string, behavior: Behavior<Message>, options?: SpawnOptions): Ref<Message>;
  /** A new probe; its name stands in messages of failures. Default `probe-1` and so on. */
  probe<Message>(name?: string): Probe<Message>;
  /** Asks as an edge does, moving time until there is an answer. @throws ExpectationError, and what an ask throws */
  ask<const Request, Reply>(
    ref: Ref<Request>,
    make: (replyTo: Ref<Reply>) => Request,
    options?: Within,
  ): Promise<Reply>;
  /** Moves time forward, letting everything run that is ready; `advance(0)` does only that. */
  advance(duration: Duration): Promise<void>;
  /** Runs a test, and shows the log only when it fails. */
  showLogOnFailure<T>(run: () => T | Promise<T>): Promise<T>;
  /** Stops all actors. */
  stop(): Promise<void>;
}

/** Longer than any deadline of a stop is likely to be. */
const stopWithin: Duration = '1 hour';

/**
 * An actor system for a test.
 *
 * ```ts
 * const kit = actorKit();
 * const customer = kit.probe<Answer>();
 * kit.spawn('counter', counter).tell({ type: 'read', replyTo: customer.ref });
 * await customer.expect({ total: 0 });
 * await kit.stop();
 * ```
 */
export function actorKit({ seed = 1, start }: ActorKitSettings = {}): ActorKit {
  const clock = virtualClock(start === undefined ? {} : { start });
  const log = capturedLog({ clock });
  const system = createActorSystem({ clock, logger: log.logger, random: seededRandom(seed) });
  const deadLetters: DeadLetter[] = [];
  const escalations: Array<{ path: string; error: Error }> = [];
  system.onDeadLetter((letter) => void deadLetters.push(letter));
  system.onEscalation((path, error) => void escalations.push({ path, error }));
  let probes = 0;

  async function ask<const Request, Reply>(
    ref: Ref<Request>,
    make: (replyTo: Ref<Reply>) => Request,
    { within = '3 s' }: Within = {},
  ): Promise<Reply> {
    const site = callSite(ask);
    // The kit's own patience ends first: it knows which line of the test asked.
    const asked = system.ask<Request, Reply>(ref, make, { withinMs: toMs(within) + 1 });
    const answer = await settledWithin(clock, within, asked);
    if (answer === undefined) throw site.error(`${ref.path} did not answer within ${within}`);
    return answer.value;
  }

  async function stop(): Promise<void> {
    const site = callSite(stop);
    const stopped = await settledWithin(clock, stopWithin, system.terminate());
    if (stopped === undefined) throw site.error(`the actors have not stopped within ${stopWithin}`);
  }

  return {
    system,
    clock,
    log,
    deadLetters,
    escalations,
    spawn: (name, behavior, options) => system.spawn(name, behavior, options),
    probe(name) {
      probes += 1;
      return probeIn({ system, clock, name: name ?? `probe-${probes}` });
    },
    ask,
    advance: (duration) => clock.advance(duration),
    showLogOnFailure: (run) => log.showOnFailure(run),
    stop,
  };
}
