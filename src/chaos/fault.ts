/**
 * Faults by name: plain JSON data, the same words in tests, in simulation and against a running node.
 *
 * Owns the words, what each may be aimed at and how it is measured, and the reading of both from text and objects.
 * A fault strikes until it is cleared, unless `for` (how long) or `times` (how often) ends it before; `odds` says how
 * likely each occasion is struck (default 1). `crash` and `torn-write` strike once.
 */
import { z } from 'zod';
import { didYouMean, messageOf, WeirError } from '../errors/index.ts';
import { type Duration, toMs } from '../ports/index.ts';
import {
  type ActorTarget,
  type Aim,
  aimOf,
  type LogTarget,
  type PeerTarget,
  type ShardTarget,
  targetForms,
} from './target.ts';

/** A duration, forwards or backwards: `'5 s'`, `'-200 ms'`, milliseconds. */
export type Shift = Duration | `-${Exclude<Duration, number>}`;

interface Lasting {
  /** How long it lasts. Default: until it is cleared. */
  readonly for?: Duration;
}

interface Striking extends Lasting {
  /** How often it strikes. Default: until it is cleared, or `for` is over. */
  readonly times?: number;
  /** How likely each occasion is struck, above 0, at most 1. Default 1. */
  readonly odds?: number;
}

export type Fault =
  /**
   * The worker dies as by SIGKILL, at once; an actor fails at its next turn. On the log or a shard: the worker dies at
   * the next write there, `before` (the default) or `after` it has taken effect.
   */
  | {
      readonly type: 'crash';
      /** Default `worker`. */
      readonly on?: 'worker' | LogTarget | ShardTarget | ActorTarget;
      readonly when?: 'before' | 'after';
    }
  /** The worker stands still, as by SIGSTOP and SIGCONT, and needs `for`; the next turn of an actor does not settle. */
  | ({ readonly type: 'hang'; readonly on?: 'worker' | ActorTarget } & Lasting)
  /** Writes, or messages between members, take longer by `by`. Default `log`. */
  | ({ readonly type: 'slow'; readonly on?: LogTarget | ShardTarget | PeerTarget; readonly by: Duration } & Striking)
  /** A write takes effect, but its acknowledgement is lost. Default `log`. */
  | ({ readonly type: 'lost-ack'; readonly on?: LogTarget | ShardTarget } & Striking)
  /** The next write is cut in the middle on the disk, and the worker dies before anybody hears of it. */
  | { readonly type: 'torn-write'; readonly on?: LogTarget }
  /** A message between members, or a write, arrives twice. Default `peers`. */
  | ({ readonly type: 'duplicate'; readonly on?: PeerTarget | LogTarget | ShardTarget } & Striking)
  /** A message between members is overtaken by the next one, or comes later by `by` (default 100 ms). Default `peers`. */
  | ({ readonly type: 'reorder'; readonly on?: PeerTarget; readonly by?: Duration } & Striking)
  /** A message between members never arrives. Default `peers`. */
  | ({ readonly type: 'lose'; readonly on?: PeerTarget } & Striking)
  /** Nothing gets through in either direction: between worker and log, or to and from members. */
  | ({ readonly type: 'partition'; readonly on: LogTarget | PeerTarget } & Lasting)
  /** The wall clock is off by `by`; with `drift` 0.01 all time runs one hundredth too fast. One of the two, or both. */
  | ({ readonly type: 'clock-skew'; readonly on?: 'clock'; readonly by?: Shift; readonly drift?: number } & Lasting)
  /** Another owner claims the shard (of the log: every shard of this worker), and keeps it for `for`, default 1 s. */
  | ({ readonly type: 'fenced-writer'; readonly on: LogTarget | ShardTarget } & Lasting)
  /** Writes find no space left. */
  | ({ readonly type: 'full-disk'; readonly on?: LogTarget } & Lasting)
  /** The mailbox of an actor takes nothing more. */
  | ({ readonly type: 'full-mailbox'; readonly on: ActorTarget } & Lasting);

/** The words, such as `lost-ack`. */
export type FaultWord = Fault['type'];

/** A fault that has been read: every default filled in, durations in milliseconds. */
export interface ReadFault {
  readonly word: FaultWord;
  readonly aim: Aim;
  readonly forMs: number | undefined;
  readonly times: number | undefined;
  readonly odds: number;
  /** Negative only for `clock-skew`. */
  readonly byMs: number;
  readonly drift: number;
  readonly when: 'before' | 'after';
}

const measures = ['for', 'times', 'odds', 'by', 'drift', 'when'] as const;
type Measure = (typeof measures)[number];

interface Word {
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

const words: Readonly<Record<FaultWord, Word>> = {
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

const duration = z.union([z.string(), z.number()], 'must be a duration such as "10 s"');
const shapes = {
  on: z.string('must be a target such as "log"').optional(),
  for: duration.optional(),
  times: z.int('must be a whole number from 1').min(1, 'must be a whole number from 1').optional(),
  odds: z.number('must be above 0, and at most 1').gt(0, 'must be above 0').max(1, 'must be at most 1').optional(),
  by: duration.optional(),
  drift: z
    .number('must be a number such as 0.01')
    .gt(-1, 'must be above -1: time never runs backwards')
    .max(100, 'must be at most 100')
    .optional(),
  when: z.enum(['before', 'after'], 'must be "before" or "after"').optional(),
};

/** The shape of every fault; what a word takes of it is told by `words`. */
const shape = z.looseObject({ type: z.string('must be the name of a fault'), ...shapes });

/**
 * Reads a fault: an object, JSON text, or words as on the command line, each measure behind its name:
 * `lost-ack shard 3 times 2 odds 0.5`, `slow peers by 200 ms for 10 s`.
 * @throws WeirError `WEIR_FAULT_INVALID`
 */
export function parseFault(given: unknown): Fault {
  const value = typeof given === 'string' ? fromText(given) : given;
  readFault(value);
  // It has the shape of its word: readFault has looked at every field.
  return value as Fault;
}

/**
 * A fault from its parts as a command line has them: all of them text.
 * @throws WeirError `WEIR_FAULT_INVALID`
 */
export function faultFrom(type: string, target: string, given: Readonly<Record<string, string | undefined>>): Fault {
  const told = Object.entries(given).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, measureFrom(name, text)]],
  );
  return parseFault({ type, ...(target === '' ? {} : { on: target }), ...Object.fromEntries(told) });
}

/**
 * The same, with every default filled in.
 * @throws WeirError `WEIR_FAULT_INVALID`
 */
export function readFault(given: unknown): ReadFault {
  const outcome = shape.safeParse(given);
  const { data } = outcome;
  if (data === undefined) {
    const [issue] = outcome.error.issues;
    throw invalid(
      issue === undefined || issue.path.length === 0
        ? 'it must be an object'
        : `${issue.path.join('.')} ${issue.message}`,
    );
  }
  const { type } = data;
  if (!isWord(type)) {
    const near = didYouMean(type, Object.keys(words));
    throw invalid(`there is no fault "${type}"${near === '' ? `; there are: ${Object.keys(words).join(', ')}` : near}`);
  }
  const word = words[type];
  const known = ['type', 'on', ...word.measures];
  for (const key of Object.keys(data)) {
    if (known.includes(key) || Reflect.get(data, key) === undefined) continue;
    throw invalid(`${type} takes no "${key}"${didYouMean(key, known)}; it takes ${list(known.slice(1))}`);
  }
  const missing = word.needs?.(data);
  if (missing !== undefined) throw invalid(`${type}: ${missing}`);
  return {
    word: type,
    aim: aim(type, word, data.on),
    forMs: data.for === undefined ? word.forMs : milliseconds(type, 'for', data.for),
    times: data.times ?? word.times,
    odds: data.odds ?? 1,
    byMs: data.by === undefined ? (word.byMs ?? 0) : shift(type, data.by),
    drift: data.drift ?? 0,
    when: data.when ?? 'before',
  };
}

function aim(type: FaultWord, { aims, aim: usual }: Word, on: string | undefined): Aim {
  const forms = list(aims.map((one) => targetForms[one]));
  const text = on ?? usual;
  if (text === undefined) throw invalid(`${type} needs a target: ${forms}`);
  const found = aimOf(text);
  if (found === undefined || !aims.includes(found.type)) {
    throw invalid(`${type} cannot be aimed at "${text}"; it takes ${forms}`);
  }
  return found;
}

function shift(type: FaultWord, by: string | number): number {
  const text = typeof by === 'string' ? by.trim() : by;
  const back = typeof text === 'string' ? text.startsWith('-') : text < 0;
  if (!back || type !== 'clock-skew') return milliseconds(type, 'by', by);
  return -milliseconds(type, 'by', typeof text === 'string' ? text.slice(1) : -text);
}

function milliseconds(type: FaultWord, measure: Measure, value: Duration | string): number {
  try {
    return toMs(value);
  } catch (thrown) {
    throw invalid(`${type}: "${measure}": ${messageOf(thrown)}`, thrown);
  }
}

/** An object from JSON, or from words; what they say is checked like any other object. */
function fromText(text: string): unknown {
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text);
    } catch (thrown) {
      throw invalid(`the text is no JSON: ${messageOf(thrown)}`, thrown);
    }
  }
  const [type = '', ...rest] = text.trim().split(/\s+/);
  const fault: Record<string, unknown> = { type };
  let target = rest.findIndex(isMeasure);
  if (target === -1) target = rest.length;
  const on = rest.slice(rest[0] === 'on' ? 1 : 0, target).join(' ');
  if (on !== '') fault.on = on;
  for (let at = target; at < rest.length; ) {
    const name = rest[at] ?? '';
    const next = rest.findIndex((one, index) => index > at && isMeasure(one));
    const end = next === -1 ? rest.length : next;
    fault[name] = measureFrom(name, rest.slice(at + 1, end).join(' '));
    at = end;
  }
  return fault;
}

/** A measure from text; what is no number stays text, for the schema to say so. */
function measureFrom(name: string, text: string): unknown {
  const count = name === 'times' || name === 'odds' || name === 'drift';
  return count && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function isMeasure(text: string): text is Measure {
  return measures.some((one) => one === text);
}

function isWord(text: string): text is FaultWord {
  return Object.hasOwn(words, text);
}

function list(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`;
}

function invalid(why: string, cause?: unknown): WeirError {
  return new WeirError('WEIR_FAULT_INVALID', { why }, cause);
}
