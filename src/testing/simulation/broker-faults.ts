/** Faults of the brokers of one node: what happens to them, and how it ends. */
import { type ShardRecord, shardRecord } from '../../persistence/index.ts';
import type { KafkaModelCluster } from '../../transport/log/index.ts';
import { stateTopic, statusTopic } from './broker-topics.ts';
import type { LateClaims } from './late-claims.ts';
import { losingFault, type WorldFault } from './plan.ts';

type Fault = Extract<WorldFault, { type: 'brokers' }>;

export class BrokerFaults {
  readonly #broker: KafkaModelCluster['broker'];
  readonly #lateClaims: LateClaims;
  readonly #onLost: (partition: number, commits: readonly ShardRecord[]) => void;
  /** What ends the faults that are on. */
  readonly #ends = new Set<() => void>();

  /** `onLost` is told which commits are gone. */
  constructor(
    broker: KafkaModelCluster['broker'],
    lateClaims: LateClaims,
    onLost: (partition: number, commits: readonly ShardRecord[]) => void,
  ) {
    this.#broker = broker;
    this.#lateClaims = lateClaims;
    this.#onLost = onLost;
  }

  strike({ what, partition, forMs }: Fault, later: (ms: number, run: () => void) => void): void {
    const broker = this.#broker;
    // Before the first worker has made its topics there is nothing to strike.
    if (broker.log(stateTopic, partition) === undefined) return;
    const until = (end: () => void): void => {
      const once = (): void => {
        if (this.#ends.delete(once)) end();
      };
      this.#ends.add(once);
      later(forMs, once);
    };
    switch (what) {
      case 'down':
        broker.down();
        until(() => broker.up());
        return;
      case 'restart':
        broker.restart();
        return;
      case 'new leader':
        broker.changeLeader(stateTopic, partition);
        return;
      case 'unaware leader':
        broker.changeLeader(stateTopic, partition, { unaware: true });
        until(() => broker.settleLeader(stateTopic, partition));
        return;
      case 'no leader':
        broker.loseLeader(stateTopic, partition);
        until(() => broker.changeLeader(stateTopic, partition));
        return;
      case 'short of replicas':
        broker.setReplication(stateTopic, partition, 'short');
        until(() => broker.setReplication(stateTopic, partition, 'in-sync'));
        return;
      case 'statuses short of replicas':
        broker.setReplication(statusTopic, partition, 'short');
        until(() => broker.setReplication(statusTopic, partition, 'in-sync'));
        return;
      case 'compaction':
        broker.compact(stateTopic, partition);
        return;
      case 'producers forgotten':
        broker.expireProducers(stateTopic, partition);
        return;
      case 'epochs used up':
        broker.exhaustTransactionalId(`${stateTopic}-${partition}`);
        return;
      case losingFault: {
        const batches = broker.log(stateTopic, partition)?.batches ?? [];
        const newest = batches.at(-1)?.wire.timestampMs ?? 0;
        const kept = batches.findLastIndex(({ wire }) => wire.timestampMs < newest - forMs) + 1;
        const commits = batches.slice(kept).flatMap(({ wire }) => wire.records.flatMap(commitOf));
        broker.electUncleanly(stateTopic, partition, batches.length - kept);
        this.#onLost(partition, commits);
        return;
      }
      case 'late claim':
        until(this.#lateClaims.begin(partition));
        return;
    }
  }

  /** Ends what is on. */
  heal(): void {
    for (const end of [...this.#ends]) end();
  }
}

/** What each commit says of itself. */
function commitOf({ key, value }: { readonly key: string | null; readonly value: Uint8Array | null }): ShardRecord[] {
  return key === 'shard' && value !== null ? [shardRecord.decode(value)] : [];
}
