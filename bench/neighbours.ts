/**
 * What a flow that fails in a loop takes from others: 1,000 flows walk at their own pace, and what they have done within a
 * window of time is counted, with such a flow on the same node and without.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { flow, TransientError } from '../src/index.ts';
import { forwardingClaim, forwardingLog, type Log } from '../src/transport/log/index.ts';
import { withDirectory, withNodeOn } from './bench-node.ts';
import { load, usage } from './load.ts';

export interface NeighboursSettings {
  readonly flows: number;
  /** Pause of a flow between two of its steps, in milliseconds. */
  readonly pauseMs: number;
  readonly windowMs: number;
  readonly failing: boolean;
}

export interface NeighboursRun {
  /** Steps that the flows have made in the window. */
  readonly turns: number;
  /** Commits of the flows in the window: how often one of them became durable anew. */
  readonly commits: number;
  /** Steps of the flow that has made the fewest. */
  readonly fewest: number;
  /** How often the failing flow has failed meanwhile. */
  readonly failures: number;
  readonly cpuMs: number;
}

export async function measure({ flows, pauseMs, windowMs, failing }: NeighboursSettings): Promise<NeighboursRun> {
  const steps = new Map<number, number>();
  let failures = 0;
  const walker = flow('walker', {
    version: 1,
    states: { start: z.object({ number: z.int() }) },
    result: z.null(),
    stages: {
      *start({ number }, { step, sleep, become }) {
        yield* step('walk', () => void steps.set(number, (steps.get(number) ?? 0) + 1));
        yield* sleep(pauseMs);
        return become('start', { number });
      },
    },
  });
  const stumbler = flow('stumbler', {
    version: 1,
    states: { start: z.null() },
    result: z.null(),
    retry: { attempts: Number.MAX_SAFE_INTEGER, min: 1, max: 1 },
    stages: {
      *start(_state, { step }) {
        yield* step('fail', () => {
          failures++;
          throw new TransientError('it never works');
        });
        return null;
      },
    },
  });
  return withDirectory(async (data) => {
    const counted = new CommitsOfFlows();
    const settings = { data, flows: [walker, stumbler], watched: (log: Log) => counted.of(log) };
    return withNodeOn(settings, async ({ node }) => {
      if (failing) {
        const { flowId } = await node.start('BENCH', stumbler, null);
        counted.leaveOut(flowId);
      }
      await load(flows, 100, async (number) => void (await node.start('BENCH', walker, { number })));
      // From here on each of them goes at its own pace.
      await pause(2 * pauseMs);
      steps.clear();
      const before = { failures, commits: counted.commits, ...usage() };
      await pause(windowMs);
      const made = [...steps.values()];
      return {
        turns: made.reduce((all, count) => all + count, 0),
        commits: counted.commits - before.commits,
        fewest: made.length < flows ? 0 : Math.min(...made),
        failures: failures - before.failures,
        cpuMs: usage().cpuMs - before.cpuMs,
      };
    });
  });
}

/** Counts how often a flow became durable: each commit once for each flow that it has records of. */
class CommitsOfFlows {
  commits = 0;
  #leftOut: string | undefined;

  leaveOut(flowId: string): void {
    this.#leftOut = flowId;
  }

  of(log: Log): Log {
    return forwardingLog(log, {
      claim: async (shard) => {
        const claim = await log.claim(shard);
        return forwardingClaim(claim, {
          commit: async (batch) => {
            await claim.commit(batch);
            const ids = batch.records.flatMap(({ key }) => (/^[cj]\//.test(key) ? [key.split('/')[1]] : []));
            this.commits += new Set(ids.filter((id) => id !== this.#leftOut)).size;
          },
        });
      },
    });
  }
}
