/** What a shard is run with: its topics, its times, what it stands on and who hears of it. */
import type { Clock, Meter, Random } from '../../ports/index.ts';
import type { Log } from '../../transport/log/index.ts';
import type { ShardPreview } from './preview.ts';
import type { RoutedMessage } from './protocol.ts';

export type ShardPhase = 'claiming' | 'restoring' | 'running' | 'draining' | 'released' | 'lost';

/** Places where a test may make the process die. */
export type CrashPoint = 'claimed' | 'restored' | 'commit.before' | 'commit.after' | 'released';

export interface ShardTopics {
  readonly state: string;
  readonly events: string;
}

export interface ShardSettings {
  /** Longest time for each phase, in milliseconds. */
  readonly claimMs: number;
  readonly restoreMs: number;
  readonly drainMs: number;
  /** Unacknowledged outbox entries are delivered again after this time. */
  readonly resendMs: number;
  /** Waiting bytes beyond which new work is refused. */
  readonly congestionBytes: number;
}

export const defaultShardSettings: ShardSettings = {
  claimMs: 30_000,
  restoreMs: 300_000,
  drainMs: 10_000,
  resendMs: 1_000,
  congestionBytes: 32 * 1024 * 1024,
};

export interface ShardSetup<Local> {
  readonly topics: ShardTopics;
  readonly partition: number;
  readonly partitions: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter?: Meter | undefined;
  readonly settings: ShardSettings;
  /** What is known of the shard by now. */
  readonly preview: () => ShardPreview<Local>;
  /** Brings a message to a shard, on this worker or another. */
  readonly route: (partition: number, message: RoutedMessage) => void;
  readonly onPhase: (phase: ShardPhase) => void;
  /** Whether it is being stopped: it was to run elsewhere before it ran here. */
  readonly revoked: () => boolean;
  readonly crashPoint?: ((point: CrashPoint, partition: number) => void) | undefined;
}
