/** Judges unfinished flows by the code that a configuration names, as the node would that is started with it. */
import { type Checkpoint, type Compat, compatOf, Registry } from '../actors/flow/index.ts';
import type { FlowStatus } from '../persistence/index.ts';
import type { Identity } from '../ports/index.ts';
import type { LoadedMember } from './configuration/index.ts';

export interface JudgedFlow extends Compat {
  readonly flowId: string;
  readonly flow: string;
  readonly member: Identity;
  readonly status: FlowStatus;
  readonly stage: string;
  /** Version that has begun its visit. */
  readonly from: number;
}

/** @throws WeirError `WEIR_FLOW_DEFINITION` when two flows of one member bear one name */
export function flowJudge(members: readonly LoadedMember[]): (checkpoint: Checkpoint) => JudgedFlow {
  const registry = new Registry(
    members.map(({ name, group, flows, actors }) => ({ identity: { name, group }, flows, actors })),
  );
  return (checkpoint) => {
    const { memberName: name, memberGroup: group, flow, status, stage, version: from } = checkpoint.head;
    const member = { name, group };
    const compat = compatOf(checkpoint, registry.flow(member, flow));
    return { flowId: checkpoint.id, flow, member, status, stage, from, ...compat };
  };
}
