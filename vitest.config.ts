import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Machines that are ten times slower than a laptop must pass too.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Most of a test is waiting for processes and disks: one worker for each core, also where there are two.
    maxWorkers: '100%',
  },
});
