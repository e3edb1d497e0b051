/** Deliberate bugs of what stands beside flows: clients, feeds, errors. */
import type { Mutation } from '../mutation.ts';

export const bugsOfServices: readonly Mutation[] = [
  {
    id: 'feed-skips-a-commit',
    sentence: 'Who resumes a feed is taken to have seen two commits more than they were told.',
    file: 'src/actors/rpc/feed-place.ts',
    edits: [
      {
        find: 'return flow.commit < told && flow.record.updated < since.at - skewMs;',
        replace: 'return flow.commit < told + 2;',
      },
    ],
    scenarios: ['feeds'],
  },
  {
    id: 'errors-kept',
    sentence: 'A worker tells of its errors only when more of them come.',
    file: 'src/worker/errors/errors-service.ts',
    edits: [
      { find: 'reported();', replace: '' },
      { find: "context.startTimer('due', { type: 'due' }, delayMs);", replace: '' },
    ],
    scenarios: ['services'],
  },
];
