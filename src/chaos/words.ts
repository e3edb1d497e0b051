/** What each word of a fault may be aimed at, how it is measured, and what it takes when nothing is said. */
import type { FaultWord } from './fault.ts';
import type { Aim } from './target.ts';

export const measures = ['for', 'times', 'odds', 'by', 'drift', 'when'] as const;
export type Measure = (typeof measures)[number];

export interface Word {
  readonly aims: readonly Aim['type'][];
  /** Where it strikes when nothing is said. */
  readonly aim?: 'worker' | 'log' | 'peers' | 'clock';
  readonly measures: readonly Measure[];
  readonly needs?: (fault: Readonly<Partial<Record<Measure | 'on', unknown>>>) => string | undefined;
  readonly times?: number;
  readonly forMs?: number;
  readonly byMs?: number;
}

const striking: readonly Measure[] = ['for', 'times', 'odds'];
const delay = (fault: { readonly by?: unknown }): string | undefined =>
  fault.by === undefined ? 'it needs "by": how much slower, such as "200 ms"' : undefined;

export const words: Readonly<Record<FaultWord, Word>> = {
  crash: { aims: ['worker', 'log', 'shard', 'actor'], aim: 'worker', measures: ['when'], times: 1 },
  hang: {
    aims: ['worker', 'actor'],
    aim: 'worker',
    measures: ['for'],
    // A process that stands still hears nothing, also not that it should go on.
    needs: (fault) =>
      fault.for === undefined && (fault.on ?? 'worker') === 'worker'
        ? 'a worker that hangs needs "for": how long, such as "10 s"'
        : undefined,
  },
  slow: { aims: ['log', 'shard', 'peers', 'peer'], aim: 'log', measures: [...striking, 'by'], needs: delay },
  'lost-ack': { aims: ['log', 'shard'], aim: 'log', measures: striking },
  'torn-write': { aims: ['log'], aim: 'log', measures: [], times: 1 },
  duplicate: { aims: ['peers', 'peer', 'log', 'shard'], aim: 'peers', measures: striking },
  reorder: { aims: ['peers', 'peer'], aim: 'peers', measures: [...striking, 'by'], byMs: 100 },
  lose: { aims: ['peers', 'peer'], aim: 'peers', measures: striking },
  partition: { aims: ['log', 'peers', 'peer'], measures: ['for'] },
  'clock-skew': {
    aims: ['clock'],
    aim: 'clock',
    measures: ['for', 'by', 'drift'],
    needs: ({ by, drift }) =>
      by === undefined && drift === undefined ? 'it needs "by" (such as "-5 s") or "drift" (such as 0.01)' : undefined,
  },
  'fenced-writer': { aims: ['log', 'shard'], measures: ['for'], forMs: 1_000 },
  'full-disk': { aims: ['log'], aim: 'log', measures: ['for'] },
  'full-mailbox': { aims: ['actor'], measures: ['for'] },
};

/** Every word, in the order of the catalogue. */
export const faultWords: readonly FaultWord[] = Object.keys(words).filter(isWord);

export function isWord(text: string): text is FaultWord {
  return Object.hasOwn(words, text);
}

export function isMeasure(text: string): text is Measure {
  return measures.some((one) => one === text);
}
