/** What a node stands on, and what it is for those who hold it. */
import type { Life, Registry } from '../actors/flow/index.ts';
import type { ActorSnapshot, ActorSystem, Ref } from '../actors/kernel/index.ts';
import type { RpcMessage } from '../actors/rpc/index.ts';
import type { CrashPoint, ShardStatus } from '../actors/shard/index.ts';
import type {
  Authority,
  Authorize,
  Clock,
  Identity,
  Logger,
  LoopProbe,
  MemberDirectory,
  Meter,
  Random,
} from '../ports/index.ts';
import type { ChildAnswer, ChildStatus, Elsewhere } from '../supervisors/index.ts';
import type { Log, LogHealth } from '../transport/log/index.ts';
import type { PeerTransport } from '../transport/peer/index.ts';
import type { Client } from './client.ts';
import type { ServiceDescriptor } from './service.ts';

/** The ports that a node stands on. */
export interface NodePorts {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly peer: PeerTransport;
  /** Told how long things take. Default: nobody is. */
  readonly meter?: Meter | undefined;
  /** Told whose turn it is, for whoever watches the event loop. */
  readonly probe?: LoopProbe | undefined;
  /** Gives the start up when it is aborted before the node is ready. Default: nothing does. */
  readonly signal?: AbortSignal | undefined;
  /** Finds members of other nodes, for sessions with them over `peer`. Default: there are none. */
  readonly directory?: Pick<MemberDirectory, 'find'>;
  /** This life of the process, and what is known of the ends of others. Default: a new name, and nothing. */
  readonly life?: Life | undefined;
  /** Who starts it, and why, for the audit to tell where it is run with another configuration. Default: it tells of none. */
  readonly startedBy?: Authority | undefined;
  /** What is known of services on other workers. Default: none of them is there. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** For tests: how a node can be hurt. */
export interface NodeFaults {
  readonly forceLogRoute?: boolean | undefined;
  readonly crashPoint?: ((point: CrashPoint, partition: number) => void) | undefined;
}

export interface NodeStatus {
  readonly ready: boolean;
  readonly services: readonly ChildStatus[];
  /** One sentence for each service that waits: "rpc waits on flow (starting)". */
  readonly waiting: readonly string[];
  readonly shards: readonly ShardStatus[];
  readonly log: LogHealth & { readonly driver: string };
}

/** A running node. */
export interface Node extends Client {
  readonly members: readonly Identity[];
  /** Whether it is ready, and what waits on what. */
  status(): NodeStatus;
  /** The live tree of actors, with restarts, mailboxes and facts. */
  tree(): readonly ActorSnapshot[];
  /** Called once when the node cannot go on: its cause. */
  onFailure(listener: (error: Error) => void): void;
  /** Takes nothing new, finishes what runs, and lets go of everything; what is unfinished goes on at the next start. */
  stop(): Promise<void>;
  /** @internal For edges of the worker. */
  readonly internals: {
    readonly system: ActorSystem;
    readonly rpc: () => Ref<RpcMessage>;
    readonly registry: Registry;
    /** Ends at once, as a crash would. */
    readonly abandon: () => void;
  };
}

/** Services that an edge adds to a node, such as HTTP. */
export type ExtraServices = (parts: {
  readonly rpc: () => Ref<RpcMessage>;
  readonly registry: Registry;
  readonly status: () => NodeStatus;
  /** Tells of changes of services and shards. */
  readonly onChange: (listener: () => void) => void;
  readonly partitions: number;
  readonly system: ActorSystem;
  readonly authorize: Authorize;
  /** Starts a service again that is down or stopped, with a new budget of restarts. */
  readonly restartService: (id: string) => Promise<ChildAnswer>;
}) => readonly ServiceDescriptor[];
