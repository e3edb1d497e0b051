/** Kills a process with SIGKILL in the middle of heavy commits, again and again on the same store. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Log } from '../../../src/transport/log/index.ts';
import { openLog, temporaryDirectory } from './support/directory.ts';
import { claimAll, expectedState, readShard, shards } from './support/ledger.ts';

const committer = fileURLToPath(new URL('./support/committer.ts', import.meta.url));

/** Runs a committer until it was acknowledged `count` commits, kills it, and gives the last number of each shard. */
async function commitUntilKilled(directory: string, count: number): Promise<number[]> {
  const acknowledged = Array.from({ length: shards }, () => 0);
  const child = spawn(process.execPath, [committer, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [shard = 0, n = 0] = line.split(' ').map(Number);
    acknowledged[shard] = n;
    seen += 1;
    if (seen === count) child.kill('SIGKILL');
  }
  const [, signal] = await exited;
  expect(signal).toBe('SIGKILL');
  return acknowledged;
}

async function lastEvent(log: Log, partition: number, atLeast: number): Promise<number> {
  if (atLeast === 0) return 0;
  return new Promise((resolve) => {
    const tail = log.tail('flow.events', partition, 0, (records) => {
      const last = Number(Buffer.from(records.at(-1)?.value ?? []).toString());
      if (last < atLeast) return;
      tail.close();
      resolve(last);
    });
  });
}

describe('embedded log, killed', () => {
  it('WK2 W2 keeps each acknowledged commit whole, and any other whole or not at all, over five kills', async () => {
    const directory = await temporaryDirectory();
    let heads = Array.from({ length: shards }, () => 0);
    for (const count of [200, 1_500, 37, 3_000, 800]) {
      const acknowledged = await commitUntilKilled(directory.path, count);
      const log = await openLog(directory.path);
      const claims = await claimAll(log);
      const states = await Promise.all(claims.map((claim) => readShard(log, claim)));
      for (const [shard, state] of states.entries()) {
        // At most one commit of each shard was in flight; one that got no answer at all goes on from the last run.
        expect(state.head - (acknowledged[shard] || (heads[shard] ?? 0))).oneOf([0, 1]);
        expect(state).toEqual(expectedState(state.head));
        await lastEvent(log, shard, acknowledged[shard] ?? 0);
      }
      heads = states.map((state) => state.head);
      await log.close();
    }
    await directory.remove();
  });

  it('WK2 a killed process leaves no lock behind', async () => {
    const directory = await temporaryDirectory();
    await commitUntilKilled(directory.path, 10);
    const log = await openLog(directory.path);
    await log.close();
    await directory.remove();
  });
});
