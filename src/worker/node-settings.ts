/** What a node is run with: its members, and how long and how much. */
import type { AnyActor, AnyFlow, HostedMember } from '../actors/flow/index.ts';
import { type Authorize, type Duration, defaultGroup, type Identity } from '../ports/index.ts';
import type { ContainmentSettings } from './containment.ts';

/** What one member runs. */
export interface MemberOptions {
  /** The membership group. Default `default`. */
  readonly group?: string;
  /** Its own flows, beside those of every member. */
  readonly flows?: readonly AnyFlow[];
  /** Its own kinds of persistent actors, beside those of every member. */
  readonly actors?: readonly AnyActor[];
}

/** Members by name; as a list where one name stands in two groups. */
export type Members = Readonly<Record<string, MemberOptions>> | ReadonlyArray<Identity & Omit<MemberOptions, 'group'>>;

export interface NodeSettings {
  readonly members: Members;
  /** Flows that every member runs. */
  readonly flows?: readonly AnyFlow[];
  /** Persistent actors that every member has. */
  readonly actors?: readonly AnyActor[];
  /** Shards, 1 to 1024; fixed once there is data. Default: as many as the data was made with, 8 for a new one. */
  readonly shards?: number;
  /** How long ended flows and their request ids are remembered. Default 1 day. */
  readonly retention?: Duration;
  /** How long a flow may be STUCK before it is ended as KILLED and its peers are told. Default 7 days. */
  readonly hospital?: Duration;
  /** Longest time of one attempt of a step that does not say otherwise; then it is given up and tried again. Default 10 min. */
  readonly stepTimeout?: Duration;
  /** How long the audit keeps what was done to flows; at least `retention`. Default 30 days, or `retention` if longer. */
  readonly audit?: Duration;
  /** How long a session message is tried before its session has failed; at most `retention`. Default 1 day. */
  readonly redeliver?: Duration;
  /**
   * How long a session may be silent before it has failed on both sides; at least `redeliver` and `hospital`. A protocol
   * may say otherwise. Default 30 days, or twice `hospital` if that is longer.
   */
  readonly idle?: Duration;
  /** Live generators kept in each shard. Default 10 000. */
  readonly maxHotFlows?: number;
  /**
   * How many times a worker must have ended while a flow, and nothing else, ran on it, always in the same place, before
   * that flow is STUCK as the cause (`WEIR_FLOW_CRASHED`). Raise it where workers are ended from outside all the time.
   * Once is enough where the process is known to have ended by its own doing: `process.exit`, a blocked event loop.
   * Default 3; in `testNode`, where tests end them, 1000.
   */
  readonly deathsAlone?: number;
  /**
   * Stops code of flows that does not give way, which would stop everything else in the process: its flow is STUCK
   * (`WEIR_CODE_RUNAWAY`), and the worker goes on. Default: 10 s, for flows that were running when a worker ended; `off` in
   * `testNode`, where time is virtual.
   */
  readonly containment?: ContainmentSettings | 'off';
  /**
   * Whether a flow is replayed from its record at every suspension and put into the hospital when it would not come to
   * the same place (`WEIR_FLOW_DIVERGED`): mistakes of determinism show at once. For development; it runs code of stages
   * several times. Default false; `testNode` has it on.
   */
  readonly replayCheck?: boolean;
  /**
   * Asked before each start, retry and kill, for each flow that is read, for acts on it that the audit tells (`audit.read`;
   * without a flow for whole chains), before an actor is steered (`actor.steer`), and
   * (`node.read`) before status, tree, members, metrics, errors, events and traces are shown over HTTP. Default: everything is
   * allowed.
   */
  readonly authorize?: Authorize;
}

/** Members with everything that each of them runs. */
export function hostedMembers({ members, flows = [], actors = [] }: NodeSettings): HostedMember[] {
  const list = Array.isArray(members)
    ? members.map((member: Identity & MemberOptions) => ({ ...member }))
    : Object.entries(members).map(([name, options]) => ({ name, ...options, group: options.group ?? defaultGroup }));
  return list.map(({ name, group, flows: own = [], actors: ownActors = [] }) => ({
    identity: { name, group },
    flows: [...flows, ...own],
    actors: [...actors, ...ownActors],
  }));
}
