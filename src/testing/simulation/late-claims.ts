/**
 * Claims that come late: a worker of no group claims a shard and stands still as soon as it has its epoch. It goes on
 * when the fence of another claim is there, so its own one arrives behind that, under a producer id that is used up.
 */
import type { KafkaModelCluster, KafkaModelClusterSetup, Log, ShardId } from '../../transport/log/index.ts';
import { shardTopic, stateTopic } from './broker-topics.ts';

type BrokerEvent = Parameters<NonNullable<NonNullable<KafkaModelClusterSetup['brokers']>['observe']>>[0];

interface LateClaim {
  readonly worker: string;
  readonly partition: number;
  /** Once it has its epoch, and stands still. */
  producerId?: string;
}

export class LateClaims {
  readonly #cluster: KafkaModelCluster;
  readonly #logOf: (worker: string) => Log;
  readonly #late = new Set<LateClaim>();
  #begun = 0;

  /** `logOf` gives the log of a worker, with an observer: it may well get the shard. */
  constructor(cluster: KafkaModelCluster, logOf: (worker: string) => Log) {
    this.#cluster = cluster;
    this.#logOf = logOf;
  }

  /** Begins one; what is returned lets it go on, whether another claim has come or not. */
  begin(partition: number): () => void {
    this.#begun += 1;
    const late: LateClaim = { worker: `late-${this.#begun}`, partition };
    this.#late.add(late);
    void claimAndGo(this.#logOf(late.worker), { topic: shardTopic, partition });
    return () => this.#wake(late);
  }

  /** Told of everything that the brokers do. */
  seen(event: BrokerEvent): void {
    for (const late of this.#late) {
      if (event.type === 'producer' && event.client === late.worker && late.producerId === undefined) {
        late.producerId = event.producerId;
        this.#cluster.freeze(late.worker);
        this.#cluster.broker.exhaustTransactionalId(event.transactionalId);
      } else if (event.type === 'produced' && isNewerFence(event, late)) this.#wake(late);
    }
  }

  #wake(late: LateClaim): void {
    if (this.#late.delete(late)) this.#cluster.thaw(late.worker);
  }
}

/** Reads the shard and wants no more of it; that the claim is refused is as good. */
async function claimAndGo(log: Log, shard: ShardId): Promise<void> {
  try {
    const claim = await log.claim(shard);
    for await (const _chunk of claim.restore());
  } catch {
  } finally {
    await log.close();
  }
}

/** The first batch of a producer is the fence of its claim. */
function isNewerFence(
  event: Extract<BrokerEvent, { type: 'produced' }>,
  { partition, producerId }: LateClaim,
): boolean {
  if (event.topic !== stateTopic || event.partition !== partition || producerId === undefined) return false;
  return event.producer?.sequence === 0 && event.producer.producerId !== producerId;
}
