/**
 * A simulated worker: one process of a node, from its start to its death.
 *
 * Owns the lane that the process runs on and the ports it is given. A crash takes the lane away: nothing that the
 * process had still to do happens, whatever it was; its log and its line to the network are dead from that moment.
 */
import {
  attachMemory,
  contestedLog,
  type FaultInjector,
  type FaultWord,
  faultInjector,
  faultyClock,
  faultyPeer,
} from '../../chaos/index.ts';
import { messageOf } from '../../errors/index.ts';
import type { Authority, Clock, Identity, MemberDirectory, Random } from '../../ports/index.ts';
import type { KafkaModelCluster, MemoryCluster } from '../../transport/log/index.ts';
import type { PeerTransport } from '../../transport/peer/index.ts';
import { createNode, type ExtraServices, type Node, type NodeSettings, nodeErrors } from '../../worker/index.ts';
import type { Happening } from './events.ts';
import type { Network } from './network.ts';
import { observedLog } from './observed-log.ts';
import { type NodeOrder, Orders } from './orders.ts';
import type { Lane, Scheduler } from './scheduler.ts';
import { traceLogger } from './trace-logger.ts';

export interface SimWorkerSetup {
  readonly node: string;
  readonly name: string;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly cluster: MemoryCluster;
  /** The same one, where its workers hear of each other. */
  readonly kafka: Pick<KafkaModelCluster, 'worker'> | undefined;
  readonly random: Random;
  /** Asked at each start, so that an upgrade can change them. */
  readonly settings: () => NodeSettings;
  readonly forceLogRoute: boolean;
  /** It tells of its errors in the log. */
  readonly errors: boolean;
  /** Members of all nodes. */
  readonly directory: Pick<MemberDirectory, 'find'>;
  readonly observe: (happening: Happening) => void;
  /** True time, on which faults begin and end. */
  readonly outside: Clock;
  /** Chance of faults. */
  readonly luck: Random;
  readonly nodeOf: (member: Identity) => string | undefined;
  readonly onStrike: (word: FaultWord) => void;
}

export class SimWorker {
  readonly name: string;
  readonly node: string;
  /** Faults by name; they outlive the process, as what is wrong with a disk or a network does. */
  readonly injector: FaultInjector;
  readonly #setup: SimWorkerSetup;
  #lane: Lane | undefined;
  #peer: PeerTransport | undefined;
  #running: Node | undefined;
  #orders: Orders | undefined;
  /** How many hold the process still, and how many its line to the log. */
  #held = 0;
  #cuts = 0;
  #stopping = false;
  /** It was to be started while it stopped. */
  #again = false;
  /** Told when the process that lives has ended, in whatever way. */
  #onEnd: Array<() => void> = [];

  constructor(setup: SimWorkerSetup) {
    this.#setup = setup;
    this.name = setup.name;
    this.node = setup.node;
    const { outside: clock, luck: random, nodeOf, onStrike } = setup;
    this.injector = faultInjector({
      ...{ clock, random, nodeOf },
      process: { crash: () => this.crash('SIGKILL'), freeze: () => this.freeze() },
      onStrike: ({ fault }) => onStrike(fault.type),
    });
    attachMemory(this.injector, () => this.#cutOff());
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
    return this.#held > 0;
  }

  /** Starts a process; nothing happens while one lives, and one that stops is followed by another. */
  start(): void {
    if (this.#lane !== undefined) {
      this.#again = this.#stopping;
      return;
    }
    const { scheduler, network, cluster, kafka, random, forceLogRoute, errors, observe, directory } = this.#setup;
    const settings = this.#setup.settings();
    const lane = scheduler.lane(`${this.node}/${this.name}`);
    this.#lane = lane;
    this.#again = false;
    observe({ type: 'up' });
    void lane.run(async () => {
      const line = network.connect({ node: this.node, worker: this.name, clock: lane });
      this.#peer = line;
      const logger = traceLogger((level, text) => {
        if (lane.alive) observe({ type: 'note', what: level, text });
      });
      const shared = cluster.worker(this.name);
      if (this.#cuts > 0) cluster.freeze(this.name);
      const log = observedLog(contestedLog(shared, this.injector, logger), (happening) => {
        if (lane.alive) observe(happening);
      });
      const peer = faultyPeer(line, this.injector);
      const clock = faultyClock(lane, this.injector);
      const told = errors ? nodeErrors({ clock, random, logger, worker: this.name }) : undefined;
      const orders =
        kafka === undefined ? undefined : new Orders({ log: kafka.worker(this.name), clock, random, logger, observe });
      this.#orders = orders;
      const ports = { log, clock, random, logger: told?.logger ?? logger, peer, directory, ...orders?.ports };
      const extra: ExtraServices = (parts) => [
        ...(told === undefined ? [] : [told.service(parts)]),
        ...(orders === undefined ? [] : [orders.service(parts)]),
      ];
      try {
        // Faults end workers, and no flow: who looks for one that does says so in the settings.
        const node = await createNode({ deathsAlone: 1_000, containment: 'off', ...settings }, ports, extra, {
          forceLogRoute,
        });
        if (!lane.alive) return;
        this.#running = node;
        this.injector.attach({ actors: node.internals.system.steer });
        node.onFailure((error) => this.#failed(lane, error));
        observe({ type: 'ready' });
      } catch (error) {
        this.#failed(lane, error);
      }
    });
  }

  /**
   * Gives an order of an operator out, as the worker does that an operator asks; it must be ready.
   * @throws WeirError what the product refuses it with
   */
  async order(order: NodeOrder, authority: Authority): Promise<void> {
    const node = this.ready;
    if (node === undefined || this.#orders === undefined) throw new Error(`${this.name} takes no orders`);
    await this.#orders.give(node, order, authority);
  }

  /** Kills the process as SIGKILL would. */
  crash(why: string): void {
    const lane = this.#lane;
    if (lane === undefined) return;
    lane.kill();
    this.#peer?.close();
    this.#running?.internals.abandon();
    this.#setup.cluster.crash(this.name);
    // The cluster tells of the crash: by then this one may have ended, and another process may have its place.
    if (this.#lane === lane) this.#ended(why);
  }

  /** Stops the process as SIGSTOP would; gives how to let it go on. It goes on when nobody holds it any more. */
  freeze(): () => void {
    const lane = this.#lane;
    if (lane === undefined) return () => undefined;
    this.#held += 1;
    lane.freeze();
    const mend = this.#cutOff();
    let over = false;
    return () => {
      if (over) return;
      over = true;
      mend();
      // Another process than the one that was stopped is none of its business.
      if (this.#lane !== lane) return;
      this.#held -= 1;
      if (this.#held === 0) lane.thaw();
    };
  }

  /** Holds back what passes between the process and the log; gives how to mend that. */
  #cutOff(): () => void {
    const { cluster } = this.#setup;
    this.#cuts += 1;
    cluster.freeze(this.name);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#cuts -= 1;
      if (this.#cuts === 0) cluster.thaw(this.name);
    };
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
    this.#held = 0;
    this.#stopping = false;
    this.#setup.observe({ type: 'down', why });
    for (const resolve of this.#onEnd.splice(0)) resolve();
    if (this.#again) this.start();
  }

  /** The run is over: what the process holds is let go. nact would keep its actors for as long as this process lives. */
  dispose(): void {
    this.#lane?.kill();
    this.#running?.internals.abandon();
  }

  /** A process that cannot go on exits; its parent starts it again, as any other that died. */
  #failed(lane: Lane, error: unknown): void {
    if (lane.alive && this.#lane === lane) this.crash(`it gave up: ${messageOf(error)}`);
  }
}
