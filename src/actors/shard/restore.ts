/**
 * The restore of a shard: the records of its state, one after the other, go to whom they belong to.
 *
 * Owns what the shard itself learns from them, and that a shard with much state does not keep the process from
 * everything else that runs there: between two slices others have their turns.
 */
import { WeirError } from '../../errors/index.ts';
import { shardRecord } from '../../persistence/index.ts';
import type { Clock } from '../../ports/index.ts';
import type { Claim } from '../../transport/log/index.ts';
import { decodeCount } from './count.ts';
import type { Outbox, Received } from './outbox.ts';
import type { ShardPreview } from './preview.ts';
import type { FormerEnd, ShardProgram } from './program.ts';
import { Slices } from './slices.ts';

export interface ShardRestoreSetup {
  readonly claim: Claim;
  readonly partitions: number;
  readonly clock: Clock;
  readonly outbox: Outbox;
  readonly received: Received;
  readonly program: Pick<ShardProgram<never>, 'restore' | 'restoreResting' | 'prepare'>;
  /** Holds what was read of the shard before it was claimed. */
  readonly preview: Pick<ShardPreview<never>, 'put' | 'others'>;
  /** Nobody needs it any more. */
  readonly ended: () => boolean;
}

/** What the state says of the shard. */
export interface RestoredShard {
  before: FormerEnd;
  /** Number of the last commit of an earlier incarnation. */
  lastCommit: number;
  /** From where on the log lane is to be read. */
  position: number;
  /** The last number taken from each sender. */
  readonly taken: Map<number, number>;
  /** Keys of inputs that nobody could read. */
  readonly parked: Set<string>;
}

/** Records that are looked at before others may have their turn. */
const recordsAtOnce = 256;

/** @throws WeirError `WEIR_SHARD_PARTITIONS`, and what the claim throws */
export async function restoreShard(setup: ShardRestoreSetup): Promise<RestoredShard> {
  const { claim, clock, program, preview, ended } = setup;
  const shard: RestoredShard = {
    // An owner that ended before its first commit has left nothing but its claim.
    before: claim.term.counter > 1 ? 'silent' : 'released',
    ...{ lastCommit: 0, position: 0, taken: new Map(), parked: new Set() },
  };
  const slices = new Slices(clock);
  for await (const chunk of claim.restore()) {
    for (const record of chunk) preview.put(record);
    await slices.next();
    if (ended()) return shard;
  }
  let taken = 0;
  for (const [key, value] of preview.others()) {
    take(key, value, shard, setup);
    taken += 1;
    if (taken % recordsAtOnce > 0) continue;
    await slices.next();
    if (ended()) return shard;
  }
  for (const _ of program.prepare?.() ?? []) {
    await slices.next();
    if (ended()) break;
  }
  return shard;
}

function take(key: string, value: Uint8Array, shard: RestoredShard, setup: ShardRestoreSetup): void {
  const { outbox, received, program } = setup;
  if (key === 'shard') takeShard(value, shard, setup);
  else if (key.startsWith('w/')) {
    const sender = key.slice(2);
    const count = decodeCount(value);
    if (sender === 'log') shard.position = count;
    else {
      received.restore(Number(sender), count);
      shard.taken.set(Number(sender), count);
    }
  } else if (key.startsWith('u/')) {
    received.restoreOrigin(Number(key.slice(2)), value);
  } else if (key.startsWith('o/') && /^o\/\d+\/\d+$/.test(key)) {
    const [, receiver, number] = key.split('/');
    outbox.restore(Number(receiver), Number(number), value.slice());
  } else if (key.startsWith('d/')) {
    shard.parked.add(key);
  } else if (key.startsWith('r/')) {
    // Of a shard that is no more since there were made fewer: it rests here until there are so many again.
    const [, rested = '', ...own] = key.split('/');
    program.restoreResting?.(Number(rested), own.join('/'), value);
  } else {
    program.restore(key, value);
  }
}

function takeShard(value: Uint8Array, shard: RestoredShard, { claim, partitions }: ShardRestoreSetup): void {
  const record = shardRecord.decode(value);
  if (record.partitions !== partitions) {
    const { topic, partition } = claim.shard;
    const found = { found: record.partitions, expected: partitions };
    throw new WeirError('WEIR_SHARD_PARTITIONS', { topic, partition, term: String(claim.term.counter), ...found });
  }
  shard.lastCommit = record.commit;
  // Who has claimed it since then and died before its first commit has left this record as it is.
  const silent = record.claim > 0 && claim.term.counter > record.claim + 1;
  if (!record.released) shard.before = 'unclean';
  else shard.before = silent ? 'silent' : 'released';
}
