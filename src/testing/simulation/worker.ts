/**
 * A simulated worker: one process of a node, from its start to its death.
 *
 * Owns the lane that the process runs on and the ports it is given. A crash takes the lane away: nothing that the
 * process had still to do happens, whatever it was; its log and its line to the network are dead from that moment.
 */
import { messageOf } from '../../errors/index.ts';
import type { Clock, MemberDirectory, Random } from '../../ports/index.ts';
import type { Log, MemoryCluster } from '../../transport/log/index.ts';
import type { PeerTransport } from '../../transport/peer/index.ts';
import { createNode, type Node, type NodeSettings } from '../../worker/index.ts';
import type { Happening } from './events.ts';
import type { Network } from './network.ts';
import { observedLog } from './observed-log.ts';
import type { Lane, Scheduler } from './scheduler.ts';
import { traceLogger } from './trace-logger.ts';

/** Wraps the ports of a worker; faults sit here. */
export interface PortWrapper {
  clock(clock: Clock): Clock;
  log(log: Log): Log;
  peer(peer: PeerTransport): PeerTransport;
}

export interface SimWorkerSetup {
  readonly node: string;
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly cluster: MemoryCluster;
  readonly random: Random;
  /** Asked at each start, so that an upgrade can change them. */
  readonly settings: () => NodeSettings;
  readonly forceLogRoute: boolean;
  /** Members of all nodes. */
  readonly directory: Pick<MemberDirectory, 'find'>;
  readonly observe: (happening: Happening) => void;
  readonly wrap: PortWrapper | undefined;
}

export class SimWorker {
  readonly name: string;
  readonly node: string;
  readonly #setup: SimWorkerSetup;
  #lane: Lane | undefined;
  #peer: PeerTransport | undefined;
  #running: Node | undefined;
  #frozen = false;
  #stopping = false;
  /** It was to be started while it stopped. */
  #again = false;
  /** Told when the process that lives has ended, in whatever way. */
  #onEnd: Array<() => void> = [];

  constructor(setup: SimWorkerSetup) {
    this.#setup = setup;
    this.name = setup.name;
    this.node = setup.node;
  }

  /** The lane of the process that lives, if one does. */
  get lane(): Lane | undefined {
    return this.#lane;
  }

  /** The node, once it is ready and until its process dies or is told to stop. */
  get ready(): Node | undefined {
    return this.#stopping ? undefined : this.#running;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** Starts a process; nothing happens while one lives, and one that stops is followed by another. */
  start(): void {
    if (this.#lane !== undefined) {
      this.#again = this.#stopping;
      return;
    }
    const { scheduler, network, cluster, random, settings, forceLogRoute, observe, wrap, directory } = this.#setup;
    const lane = scheduler.lane(`${this.node}/${this.name}`);
    this.#lane = lane;
    this.#again = false;
    observe({ type: 'up' });
    void lane.run(async () => {
      const clock = wrap?.clock(lane) ?? lane;
      const plainPeer = network.connect({ node: this.node, worker: this.name, clock: lane });
      this.#peer = plainPeer;
      const plainLog = cluster.worker(this.name);
      const log = observedLog(wrap?.log(plainLog) ?? plainLog, (happening) => {
        if (lane.alive) observe(happening);
      });
      const peer = wrap?.peer(plainPeer) ?? plainPeer;
      const logger = traceLogger((level, text) => {
        if (lane.alive) observe({ type: 'note', what: level, text });
      });
      const ports = { log, clock, random, logger, peer, directory };
      try {
        const node = await createNode(settings(), ports, undefined, { forceLogRoute });
        if (!lane.alive) return;
        this.#running = node;
        node.onFailure((error) => this.#failed(lane, error));
        observe({ type: 'ready' });
      } catch (error) {
        this.#failed(lane, error);
      }
    });
  }

  /** Kills the process as SIGKILL would. */
  crash(why: string): void {
    const lane = this.#lane;
    if (lane === undefined) return;
    lane.kill();
    this.#peer?.close();
    this.#running?.internals.abandon();
    this.#setup.cluster.crash(this.name);
    this.#ended(why);
  }

  /** Stops the process as SIGSTOP would, until `thaw`. */
  freeze(): void {
    if (this.#lane === undefined || this.#frozen) return;
    this.#frozen = true;
    this.#lane.freeze();
    this.#setup.cluster.freeze(this.name);
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    this.#lane?.thaw();
    this.#setup.cluster.thaw(this.name);
  }

  /** Stops gracefully: drains and leaves. Resolves when the process has ended, in whatever way. */
  async stop(): Promise<void> {
    const lane = this.#lane;
    const node = this.#running;
    if (lane === undefined) return;
    const ended = new Promise<void>((resolve) => void this.#onEnd.push(resolve));
    // A process that has not got its first work yet has nothing to drain.
    if (node === undefined) this.crash('it was told to stop while it started');
    else if (!this.#stopping) {
      this.#stopping = true;
      void lane
        .run(() => node.stop())
        .then(() => {
          if (this.#lane !== lane) return;
          lane.kill();
          this.#ended('stopped');
        });
    }
    await ended;
  }

  #ended(why: string): void {
    this.#lane = undefined;
    this.#running = undefined;
    this.#frozen = false;
    this.#stopping = false;
    this.#setup.observe({ type: 'down', why });
    for (const resolve of this.#onEnd.splice(0)) resolve();
    if (this.#again) this.start();
  }

  /** A process that cannot go on exits; its parent starts it again, as any other that died. */
  #failed(lane: Lane, error: unknown): void {
    if (lane.alive && this.#lane === lane) this.crash(`it gave up: ${messageOf(error)}`);
  }
}
