/** A checkup of a data directory: whether it can be used, has room, syncs in time, and holds a whole log. */
import { access, constants, open, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, WeirError } from '../../../errors/index.ts';
import type { Clock, Logger } from '../../../ports/index.ts';
import { type Finding, found, type WantedShards, well } from '../checkup.ts';
import { openEmbeddedOffline } from './offline.ts';

export interface DirectoryCheckup {
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const check = 'data directory';
const mebibyte = 1_048_576;
/** The reserve that a full disk is survived by, and as much again. */
const leastBytes = 64 * mebibyte;
const comfortableBytes = 1_024 * mebibyte;
const syncs = 21;
/** Disks that are made for it take less than one; what takes longer is felt by every commit. */
const slowSyncMs = 20;

/** The directory, whatever it is used for. */
export async function* directoryCheckup({ directory, clock }: DirectoryCheckup): AsyncGenerator<Finding> {
  const there = await existing(directory);
  try {
    await access(there, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    return yield found(check, new WeirError('WEIR_LOG_DIRECTORY', { directory, why: messageOf(error) }, error));
  }
  const { bavail, bsize } = await statfs(there);
  const free = bavail * bsize;
  if (free < comfortableBytes) {
    const context = { directory, free: `${Math.floor(free / mebibyte)} MiB` };
    yield found(check, new WeirError('WEIR_CHECK_SPACE', context), free < leastBytes ? 'fail' : 'warn');
  }
  const took = await syncTime(there, clock);
  if (took > slowSyncMs) {
    const context = { directory, took: `${took.toFixed(1)} ms` };
    yield found(check, new WeirError('WEIR_CHECK_SLOW_DISK', context), 'warn');
  }
  const room = `${Math.floor(free / comfortableBytes)} GiB free, a write is on the disk after ${took.toFixed(1)} ms`;
  yield well(check, there === directory ? `${directory}: ${room}` : `${directory} will be made: ${room}`);
}

/** The log in it. */
export async function* embeddedCheckup(
  setup: DirectoryCheckup & { readonly shards: WantedShards },
): AsyncGenerator<Finding> {
  const { directory, shards } = setup;
  try {
    const log = await openEmbeddedOffline(setup);
    try {
      yield well('log', `every byte of it is sound; ${log.topics.length} topics, incarnation ${log.incarnation}`);
      const state = log.topics.find(({ name }) => name === shards.topic);
      if (state !== undefined && shards.wanted !== undefined && shards.wanted !== state.partitions) {
        const context = { wanted: shards.wanted, found: state.partitions };
        yield found('shards', new WeirError('WEIR_CHECK_SHARDS', context));
      } else if (state !== undefined) yield well('shards', `${state.partitions}`);
    } finally {
      await log.close();
    }
  } catch (error) {
    if (WeirError.is(error, 'WEIR_LOG_NONE')) yield well('log', 'there is none yet: the node makes it when it starts');
    else if (WeirError.is(error, 'WEIR_LOG_IN_USE')) yield well('log', `a node runs on it, in ${directory}`);
    else yield found('log', error);
  }
}

/** The directory, or the part of its path that is there. */
async function existing(directory: string): Promise<string> {
  for (let path = directory; ; path = dirname(path)) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there || dirname(path) === path) return path;
  }
}

/** Median of some writes that are each synced, in milliseconds. */
async function syncTime(directory: string, clock: Clock): Promise<number> {
  const path = join(directory, `.weir-doctor-${process.pid}`);
  const file = await open(path, 'w');
  try {
    const times: number[] = [];
    for (let count = 0; count < syncs; count += 1) {
      const before = clock.monotonic();
      await file.write(Buffer.alloc(1_024, count));
      await file.datasync();
      times.push(clock.monotonic() - before);
    }
    return times.sort((a, b) => a - b)[Math.floor(syncs / 2)] ?? 0;
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}
