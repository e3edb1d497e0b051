/** Reads faults, from objects and from text, and says in one sentence what is wrong with one. */
import { z } from 'zod';
import { didYouMean, messageOf, WeirError } from '../errors/index.ts';
import { type Duration, toMs } from '../ports/index.ts';
import type { Fault, FaultWord, ReadFault } from './fault.ts';
import { type Aim, aimOf, targetForms } from './target.ts';
import { isMeasure, isWord, type Measure, type Word, words } from './words.ts';

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

function list(items: readonly string[]): string {
  return items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} or ${items.at(-1)}`;
}

function invalid(why: string, cause?: unknown): WeirError {
  return new WeirError('WEIR_FAULT_INVALID', { why }, cause);
}
