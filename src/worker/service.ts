/**
 * Service descriptors: what a service is called, what it needs, which topics and secrets it touches, and how it starts.
 * Domino start, roles, status, and later ACLs and grants, come from these; there is no other list of services.
 */
import type { Clock, Logger, Meter, Random } from '../ports/index.ts';
import type { AnyBehavior, ChildStart } from '../supervisors/index.ts';
import type { Log, TopicName, TopicSpec } from '../transport/log/index.ts';

/** What a service is started with. */
export interface WorkerContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  /**
   * Registers what a service has to finish before the worker's actors are stopped. Services drain one after the other,
   * the last of the worker's list first: an edge before what it asks.
   */
  readonly onDrain: (name: string, drain: () => Promise<void>) => void;
}

/** What a service does with topics: rights on the log follow from it. */
export interface ServiceTopics {
  readonly reads: readonly TopicName[];
  readonly writes: readonly TopicName[];
}

export interface ServiceDescriptor {
  readonly name: string;
  /** Hard: services of this worker (or `log`) that must be ready first, and whose fall stops this one. */
  readonly needs: readonly string[];
  /** Soft: services that may live elsewhere; without them only what asks for them waits. */
  readonly uses: readonly string[];
  readonly topics: ServiceTopics;
  /** Topics that it owns, and creates. */
  readonly creates: readonly TopicSpec[];
  /** Names of the secrets that it is given. */
  readonly secrets: readonly string[];
  /** `when-reported`: the behaviour calls `ready()` itself. Default: ready when it has been made. */
  readonly ready?: 'when-started' | 'when-reported';
  readonly start: (worker: WorkerContext, child: ChildStart) => AnyBehavior;
  /** It only answers for the others: a node with nothing but edges left has nothing left to do. Default false. */
  readonly edge?: boolean;
  /** It drains after all others, to tell of them. Default false. */
  readonly drainsLast?: boolean;
  /** Facts that the live tree shows beside the service. */
  readonly inspect?: () => Readonly<Record<string, unknown>>;
}

/** The log is not a service of the worker, but everything hard-needs it. */
export const logNeed = 'log';
