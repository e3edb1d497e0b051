/**
 * The figures that a worker shows to Prometheus. Most are read from the live tree when somebody scrapes; only requests
 * and the lag of the event loop are measured all the time, and what the worker itself adds up (`FigureDesk`). One
 * registry for each node, never the library's global one.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ActorEventType, ActorSnapshot } from '../../kernel/index.ts';

/** What a worker adds up while it runs, whatever becomes of its edges. */
export interface FigureDesk {
  /** In the text format of Prometheus. */
  text(): Promise<string>;
}

export interface MetricsSetup {
  readonly tree: () => readonly ActorSnapshot[];
  readonly status: () => {
    readonly ready: boolean;
    readonly shards: ReadonlyArray<{ readonly phase: string }>;
    readonly log: { readonly state: 'ok' | 'stalled' };
  };
  /** The shards of this worker, as its last heartbeat told of them; none where there are no heartbeats. */
  readonly ownShards: () => ReadonlyArray<{ readonly partition: number; readonly lag: number | undefined }>;
  readonly figures?: FigureDesk | undefined;
  /** Longest delay of the event loop since the last call, in seconds. */
  readonly takeLag: () => number;
  /** How often what has happened to actors. */
  readonly events: () => ReadonlyMap<ActorEventType, number>;
}

export class Metrics {
  readonly #setup: MetricsSetup;
  readonly #registry = new Registry();
  readonly #requests: Histogram<'method' | 'route' | 'status'>;
  readonly #figures: ReadonlyArray<(totals: Totals) => void>;
  readonly #ended: Counter<'status'>;
  readonly #events: Counter<'type'>;
  readonly #shards: Gauge<'phase'>;
  readonly #laneLag: Gauge<'shard'>;
  readonly #ready: Gauge;
  readonly #stalled: Gauge;
  readonly #lag: Gauge;

  constructor(setup: MetricsSetup) {
    this.#setup = setup;
    const registers = [this.#registry];
    const gauge = (name: string, help: string, value: (totals: Totals) => number) => {
      const metric = new Gauge({ name, help, registers });
      return (totals: Totals): void => metric.set(value(totals));
    };
    const counter = (name: string, help: string, value: (totals: Totals) => number) => {
      const metric = new Counter({ name, help, registers });
      return (totals: Totals): void => {
        metric.reset();
        metric.inc(value(totals));
      };
    };
    this.#figures = [
      counter('weir_flows_started_total', 'Flows accepted since their shard was opened', ({ fact }) => fact('started')),
      gauge('weir_flows_running', 'Unfinished flows that are not stuck', ({ fact }) => fact('flows') - fact('stuck')),
      gauge('weir_flows_stuck', 'Flows that wait for an operator', ({ fact }) => fact('stuck')),
      counter('weir_shard_commits_total', 'Commits since the shards were opened', ({ fact }) => fact('commits')),
      gauge(
        'weir_outbox_unacknowledged',
        'Messages between shards and of sessions that await acknowledgement',
        (totals) => totals.fact('unacknowledged') + totals.fact('unacknowledgedSessions'),
      ),
      gauge('weir_mailbox_messages', 'Messages that wait in mailboxes of actors', ({ mailbox }) => mailbox),
      gauge(
        'weir_mailbox_wait_seconds',
        'How long the oldest message has waited in the mailbox of an actor',
        ({ waitMs }) => waitMs / 1_000,
      ),
      gauge('weir_turn_seconds', 'How long the oldest turn of an actor has run', ({ turnMs }) => turnMs / 1_000),
      gauge('weir_feeds_open', 'Clients that follow flows over WebSocket', ({ fact }) => fact('feeds')),
      counter('weir_actor_restarts_total', 'Restarts of services and shards', ({ restarts }) => restarts),
    ];
    this.#ended = new Counter({
      name: 'weir_flows_ended_total',
      help: 'Flows that ended since the RPC service started, by final status',
      labelNames: ['status'],
      registers,
    });
    this.#events = new Counter({
      name: 'weir_actor_events_total',
      help: 'What has happened to actors, by type: started, failed, restarted, escalated, stopped, dead-letter and more',
      labelNames: ['type'],
      registers,
    });
    this.#shards = new Gauge({
      name: 'weir_shards',
      help: 'Shards of this worker, by phase',
      labelNames: ['phase'],
      registers,
    });
    this.#laneLag = new Gauge({
      name: 'weir_shard_lag_records',
      help: 'Records of the log lane that a shard of this worker has not taken yet, at its last heartbeat',
      labelNames: ['shard'],
      registers,
    });
    this.#ready = new Gauge({ name: 'weir_ready', help: 'Whether the worker is ready: 1, or 0', registers });
    this.#stalled = new Gauge({
      name: 'weir_log_stalled',
      help: 'Whether commits wait for the log (a full disk, absent brokers): 1, or 0',
      registers,
    });
    this.#lag = new Gauge({
      name: 'weir_event_loop_lag_seconds',
      help: 'Longest delay of the event loop since the last scrape',
      registers,
    });
    this.#requests = new Histogram({
      name: 'weir_http_request_duration_seconds',
      help: 'Time from a request to its answer, waits for results included',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
      registers,
    });
  }

  answered(method: string, route: string, status: number, seconds: number): void {
    this.#requests.observe({ method, route, status }, seconds);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    const totals = totalsOf(this.#setup.tree());
    for (const figure of this.#figures) figure(totals);
    this.#ended.reset();
    for (const status of ['completed', 'failed', 'killed']) this.#ended.inc({ status }, totals.fact(status));
    this.#events.reset();
    for (const [type, count] of this.#setup.events()) this.#events.inc({ type }, count);
    this.#lag.set(this.#setup.takeLag());
    this.#stand();
    const [text, added] = await Promise.all([this.#registry.metrics(), this.#setup.figures?.text()]);
    return added === undefined ? text : `${text}${added}`;
  }

  #stand(): void {
    const { ready, shards, log } = this.#setup.status();
    this.#ready.set(Number(ready));
    this.#stalled.set(Number(log.state === 'stalled'));
    this.#shards.reset();
    for (const { phase } of shards) this.#shards.inc({ phase });
    this.#laneLag.reset();
    for (const { partition, lag } of this.#setup.ownShards()) {
      if (lag !== undefined) this.#laneLag.set({ shard: String(partition) }, lag);
    }
  }
}

interface Totals {
  readonly mailbox: number;
  readonly restarts: number;
  /** The longest of all. */
  readonly waitMs: number;
  readonly turnMs: number;
  /** Sum of a fact over all actors that have it. */
  readonly fact: (name: string) => number;
}

function totalsOf(tree: readonly ActorSnapshot[]): Totals {
  const facts = new Map<string, number>();
  let mailbox = 0;
  let restarts = 0;
  let waitMs = 0;
  let turnMs = 0;
  const add = (actor: ActorSnapshot): void => {
    mailbox += actor.mailbox;
    restarts += actor.restarts;
    waitMs = Math.max(waitMs, actor.waitMs);
    turnMs = Math.max(turnMs, actor.turnMs);
    for (const [name, value] of Object.entries(actor.facts ?? {})) {
      if (typeof value === 'number') facts.set(name, (facts.get(name) ?? 0) + value);
    }
    actor.children.forEach(add);
  };
  tree.forEach(add);
  return { mailbox, restarts, waitMs, turnMs, fact: (name) => facts.get(name) ?? 0 };
}
