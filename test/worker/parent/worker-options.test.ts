/** What Node.js is told when it runs a worker. */
import { expect, it } from 'vitest';
import { workerOptions } from '../../../src/worker/index.ts';

it('runs workers with room for what is new, and keeps their environment out of reports', () => {
  expect(workerOptions(['--enable-source-maps'])).toEqual([
    '--enable-source-maps',
    '--report-exclude-env',
    '--max-semi-space-size=64',
  ]);
});

it.each([
  { where: 'on the command line', given: ['--max-semi-space-size=32'], environment: undefined },
  { where: 'in NODE_OPTIONS', given: [], environment: '--trace-warnings --max_semi_space_size=32' },
])('leaves the room that an operator chose $where', ({ given, environment }) => {
  expect(workerOptions(given, environment)).toEqual([...given, '--report-exclude-env']);
});
