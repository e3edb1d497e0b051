/**
 * Crash points: a scenario is run once for each place at which its worker can die (before and after every commit), and
 * has to end in the same way each time.
 */
import type { CrashPoint } from '../../../src/actors/shard/index.ts';
import type { Duration } from '../../../src/index.ts';
import { type TestNode, type TestNodeSettings, testNode } from '../../../src/testing/index.ts';

export interface CrashScenario<T> {
  /** Settings of the node, made anew for each run, with whatever the scenario counts in its steps. */
  readonly settings: () => Partial<TestNodeSettings>;
  /** Starts what is to be run; called again after a crash, with the same request ids. */
  readonly start: (kit: TestNode) => Promise<unknown>;
  /** What must be the same in the end. */
  readonly outcome: (kit: TestNode) => Promise<T>;
  /** Time to let pass after the start, and after each restart. Default 1 hour. */
  readonly time?: Duration;
}

export interface CrashRuns<T> {
  /** Places at which the worker died, one run each. */
  readonly points: number;
  /** The outcome without a crash. */
  readonly expected: T;
  /** Outcomes that differ, with the place. */
  readonly different: ReadonlyArray<{ readonly at: string; readonly outcome: T }>;
}

/** Runs a scenario without a crash, then with one at every place that the first run came by. */
export async function crashEverywhere<T>(scenario: CrashScenario<T>): Promise<CrashRuns<T>> {
  const places: CrashPoint[] = [];
  const expected = await play(scenario, (point) => {
    places.push(point);
    return false;
  });
  const different: Array<{ at: string; outcome: T }> = [];
  for (const [place, point] of places.entries()) {
    let left = place;
    const outcome = await play(scenario, () => left-- === 0);
    if (JSON.stringify(outcome) !== JSON.stringify(expected)) different.push({ at: `${point} ${place}`, outcome });
  }
  return { points: places.length, expected, different };
}

async function play<T>(scenario: CrashScenario<T>, crashAt: (point: CrashPoint) => boolean): Promise<T> {
  const { settings, start, outcome, time = '1 hour' } = scenario;
  let over = false;
  const kit = await testNode({
    members: {},
    shards: 1,
    ...settings(),
    crashAt: (point) => !over && point.startsWith('commit') && crashAt(point),
  });
  try {
    for (let lives = 0; lives < 10; lives++) {
      if (kit.isDown()) await kit.restart();
      const crashed = kit.crashed();
      const started = start(kit).catch(() => undefined);
      await Promise.race([started, crashed]);
      if (!kit.isDown()) await Promise.race([kit.advance(time), crashed]);
      if (!kit.isDown()) break;
    }
    over = true;
    return await outcome(kit);
  } finally {
    await kit.stop();
  }
}
