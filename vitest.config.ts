import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { runsVariable } from './scripts/nightly.ts';

const nightly = process.env[runsVariable] !== undefined;
const all = 'test/**/*.test.ts';
// They take minutes: `npm run nightly` runs them.
const left = nightly ? configDefaults.exclude : [...configDefaults.exclude, '**/*.nightly.test.ts'];

/** Tests that start processes, brokers and databases, or are about the process that they run in. */
const apart = [
  'test/{chaos,cli,docs,examples,rig,scripts,simulation}/**/*.test.ts',
  'test/persistence/sql/**/*.test.ts',
  'test/{ports/clock,readme,testing/contracts}.test.ts',
  'test/transport/log/*.test.ts',
  'test/transport/log/kafka/{*-broker,conformance,second-reader,workers}.test.ts',
  'test/worker/{cluster,doctor,errors,loop-watch,monitoring}/**/*.test.ts',
  'test/worker/{hand-over,node-failure,placement,sigkill}.test.ts',
  'test/worker/offline/round-trip.test.ts',
  'test/actors/rpc/{any-worker-kafka,http/feed-workers}.test.ts',
];

/** These take longest: begun last, one of them would run alone in the end. */
const longest = [
  'kill',
  'fresh-seeds',
  'cli/workers',
  'rights',
  'own-shards',
  'wire-broker',
  'kafka/workers',
  'hand-over',
];

function rank({ moduleId, project }: TestSpecification): number {
  const place = longest.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
  if (place >= 0) return place;
  // Many short ones fill both cores up to the end.
  return project.name === 'apart' ? longest.length : longest.length + 1;
}

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  test: {
    // Machines that are ten times slower than a laptop must pass too.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Most of a test is waiting for processes and disks, so that one more than there are cores keeps all of them busy.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    // Hundreds of processes run the same files: only the first of them compiles each.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/compiled') },
    projects: [
      { extends: true, test: { name: 'apart', include: apart, exclude: left } },
      // The rest holds nothing outside of what it makes, so files share a process, and what it has loaded.
      { extends: true, test: { name: 'together', include: [all], exclude: [...left, ...apart], isolate: false } },
    ],
  },
});
