import { configDefaults, defineConfig } from 'vitest/config';
import { runsVariable } from './scripts/nightly.ts';

const nightly = process.env[runsVariable] !== undefined;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They take minutes: `npm run nightly` runs them.
    exclude: nightly ? configDefaults.exclude : [...configDefaults.exclude, '**/*.nightly.test.ts'],
    // Machines that are ten times slower than a laptop must pass too.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Most of a test is waiting for processes and disks: one worker for each core, also where there are two.
    maxWorkers: '100%',
  },
});
