/**
 * The claims of one worker. Owns which of its shards it holds, what it was told of those that it held before, and that of
 * several claims of one shard only the newest goes on.
 */
import { WeirError } from '../../../errors/index.ts';
import type { Clock, Logger, Random } from '../../../ports/index.ts';
import type { Claim, ShardId, StatePreview, TopicName } from '../port.ts';
import type { Catalog } from './catalog.ts';
import { ClaimTurns } from './claim-turns.ts';
import { type Holding, takeOver } from './claiming.ts';
import { KafkaClaim } from './kafka-claim.ts';
import type { OwnPublications } from './own-publications.ts';
import type { Patience } from './patience.ts';
import type { ReadSoFar } from './read-ahead.ts';
import { type ClaimTimes, claimTimes, type KafkaLogSettings } from './settings.ts';
import type { FormerClaim } from './shard-state.ts';
import type { KafkaWire } from './wire.ts';

export interface WorkerClaimsSetup {
  readonly wire: KafkaWire;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly settings: KafkaLogSettings;
  readonly patience: Patience;
  readonly catalog: Catalog;
  readonly own: OwnPublications;
  /** What was read of a shard before its claim, which is the claim's from here on. */
  readonly ahead: (shard: ShardId) => ReadSoFar | undefined;
  /** Acknowledged commits of a shard are gone: says so to every worker. */
  readonly condemn: (shard: ShardId, why: string) => Promise<void>;
  /** Does what is left to do of a claim that is over; the log does not close before. */
  readonly finish: (run: () => Promise<void>) => void;
}

export class WorkerClaims {
  readonly #setup: WorkerClaimsSetup;
  readonly #turns: ClaimTurns;
  readonly #held = new Map<string, KafkaClaim>();
  /** What this worker was told of each shard that it has given up, or lost. */
  readonly #former = new Map<string, FormerClaim>();
  #asked: Promise<ClaimTimes> | undefined;

  constructor(setup: WorkerClaimsSetup) {
    this.#setup = setup;
    this.#turns = new ClaimTurns(setup.clock, setup.settings.claimDeadlineMs);
  }

  async claim(shard: ShardId, preview: StatePreview | undefined): Promise<Claim> {
    const { catalog } = this.#setup;
    const key = `${shard.topic}/${shard.partition}`;
    const turn = this.#turns.begin(shard);
    try {
      await catalog.load();
      catalog.expect(shard.topic, 'state', shard.partition);
      await catalog.assertKnown(shard.topic);
      const { leaseMs, keepAliveMs } = await this.times();
      const former = this.#held.get(key)?.former ?? this.#former.get(key);
      const holding = await this.#takeOver(shard, { former, preview, leaseMs, ended: turn.ended });
      const claim = this.#claimOf(shard, holding, keepAliveMs);
      // Both are of this worker, so nobody has to find out by a refused commit.
      this.#held.get(key)?.fence();
      this.#held.set(key, claim);
      return claim;
    } finally {
      turn.end();
    }
  }

  /**
   * How soon brokers forget is asked once; whether that is soon enough is seen at the start.
   * @throws WeirError `WEIR_LOG_EXPIRY`
   */
  times(): Promise<ClaimTimes> {
    const { wire, patience, settings } = this.#setup;
    this.#asked ??= patience
      .until('reading settings of brokers', async () => ({ done: await wire.brokerConfig() }))
      .then((config) => claimTimes(settings, config))
      .catch((error: unknown) => {
        this.#asked = undefined;
        throw error;
      });
    return this.#asked;
  }

  /** Finds out which shards were taken over: an idle owner would only hear of it with its next keep-alive. */
  prove(): void {
    for (const claim of [...this.#held.values()]) claim.prove();
  }

  /** Resolves when what this worker has published to a partition by now is there. */
  async published(topic: TopicName, partition: number): Promise<void> {
    await Promise.all([...this.#held.values()].map((claim) => claim.published(topic, partition)));
  }

  /** Resolves when nothing of them is on its way any more. */
  async close(): Promise<void> {
    const claims = new Set(this.#held.values());
    await Promise.allSettled([...claims].map((claim) => claim.settle()));
    for (const claim of claims) claim.close();
  }

  async #takeOver(
    shard: ShardId,
    claiming: Pick<Parameters<typeof takeOver>[0], 'former' | 'preview' | 'leaseMs' | 'ended'>,
  ): Promise<Holding> {
    const { wire, clock, random, logger, patience, catalog, settings, ahead, condemn } = this.#setup;
    try {
      return await takeOver({
        ...{ wire, clock, random, logger, patience, shard },
        ...claiming,
        topic: catalog.nameOf(shard.topic),
        incarnation: catalog.incarnation,
        fetchBytes: settings.fetchBytes,
        maxBatchBytes: settings.limits.maxBatchBytes,
        ahead: ahead(shard),
      });
    } catch (error) {
      // No other worker can see it: the log itself has to say so.
      if (WeirError.is(error, 'WEIR_LOG_LOST')) await condemn(shard, String(error.context.why));
      throw error;
    }
  }

  #claimOf(shard: ShardId, holding: Holding, keepAliveMs: number): KafkaClaim {
    const { wire, clock, logger, patience, catalog, settings, own, finish } = this.#setup;
    const { limits, topics, group } = settings;
    const key = `${shard.topic}/${shard.partition}`;
    return new KafkaClaim({
      ...{ wire, clock, logger, patience, shard, holding, keepAliveMs, own, limits },
      // Its session runs from its last heartbeat, and those are less than a third of it apart.
      unrivalledMs: (group.sessionTimeoutMs * 2) / 3,
      maxBatchBytes: limits.maxBatchBytes,
      maxMessageBytes: topics.maxMessageBytes,
      nameOf: (name) => catalog.nameOf(name),
      checkTable: (name, partition) => void catalog.expect(name, 'table', partition),
      onOver: (over) => {
        this.#former.set(key, over.former);
        if (this.#held.get(key) === over) this.#held.delete(key);
        finish(() => over.settle());
      },
    });
  }
}
