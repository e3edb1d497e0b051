/**
 * Which values can be kept, and how those that MessagePack does not know are written.
 *
 * Owns the walk before encoding: it refuses what cannot come back as it was (with the path and what was found), and
 * wraps in a `Tagged` what needs a tag of ours. A value that needs neither is returned as it is, without a copy.
 */
import { types } from 'node:util';
import { WeirError } from '../errors/index.ts';

/** Values nest at most this deep; a limit of our own, because the stack's depends on the machine. */
export const maxValueDepth = 256;

/** Objects referred to from several places are written once for each; this ends a value that grows without bound. */
const maxVisited = 4_000_000;

/** Tags of values that plain MessagePack cannot tell apart. They are on disk: never change or reuse a number. */
export const tag = { date: 1, map: 2, set: 3, object: 4, text: 5, negativeZero: 6 } as const;

/** A value written as an array `[tag, ...rest]` under Weir's MessagePack extension. */
export class Tagged {
  readonly items: readonly unknown[];

  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}

const negativeZero = new Tagged([tag.negativeZero]);
const byteOrderMark = 0xfeff;

/** Names that would mislead the encoder (or, when decoded, an object's prototype) if they were written as plain keys. */
const hazardousKeys = new Set(['__proto__', 'constructor', 'toJSON', 'hasOwnProperty']);

/** One step from a value to what it holds. */
type Segment = { readonly in: 'object' | 'array' | 'map' | 'map-key' | 'set'; readonly at: unknown };

/** What one walk carries along: where it is, for refusals, and how much it has seen. */
export interface Walk {
  /** What is being kept, for the sentence of a refusal. */
  readonly what: string;
  /** Set: keyed collections are put in an order that depends on their content alone. */
  readonly canonical?: (value: unknown) => Uint8Array;
  readonly path: Segment['at'][];
  readonly kinds: Segment['in'][];
  readonly ancestors: object[];
  visited: number;
}

export function startWalk(what: string, canonical?: (value: unknown) => Uint8Array): Walk {
  const walk: Walk = { what, path: [], kinds: [], ancestors: [], visited: 0 };
  return canonical === undefined ? walk : { ...walk, canonical };
}

/**
 * The value as the encoder takes it.
 * @throws WeirError `WEIR_VALUE_UNSUPPORTED` with the path of the first thing that cannot be kept.
 */
export function dress(value: unknown, walk: Walk): unknown {
  if (isBare(value)) return value;
  switch (typeof value) {
    case 'string':
      return dressText(value);
    case 'number':
      return negativeZero;
    case 'object':
      return value === null ? value : dressObject(value, walk);
    default:
      return refuse(typeof value === 'symbol' ? 'a symbol' : 'a function', walk);
  }
}

/** UTF-8 cannot hold half a surrogate pair, and readers of UTF-8 drop a leading byte order mark. */
function isPlainText(text: string): boolean {
  return text.isWellFormed() && text.charCodeAt(0) !== byteOrderMark;
}

function dressText(text: string): unknown {
  return isPlainText(text) ? text : new Tagged([tag.text, Buffer.from(text, 'utf16le')]);
}

function dressObject(value: object, walk: Walk): unknown {
  // A proxy may answer differently when it is read again, so what was checked is not what would be written.
  if (types.isProxy(value)) return refuse('a Proxy', walk);
  walk.visited += 1;
  if (walk.visited > maxVisited) refuse(`beyond ${maxVisited} objects, too many for one value`, walk);
  if (walk.ancestors.length >= maxValueDepth) refuseDepth(walk);
  walk.ancestors.push(value);
  const dressed = dressByPrototype(value, Object.getPrototypeOf(value), walk);
  walk.ancestors.pop();
  return dressed;
}

function dressByPrototype(value: object, prototype: unknown, walk: Walk): unknown {
  if (prototype === Object.prototype || prototype === null) return dressPlain(value, walk);
  if (prototype === Array.prototype && Array.isArray(value)) return dressArray(value, walk);
  if ((prototype === Uint8Array.prototype || prototype === Buffer.prototype) && types.isUint8Array(value)) return value;
  if (prototype === Date.prototype && types.isDate(value)) return dressDate(value, walk);
  if (prototype === Map.prototype && types.isMap(value)) return dressMap(value, walk);
  if (prototype === Set.prototype && types.isSet(value)) return dressSet(value, walk);
  // What functions of a flow's context return; forgotten stars are the commonest mistake in flow code.
  if (types.isGeneratorObject(value)) return refuse('a generator, an operation that "yield*" has not run', walk);
  return refuse(instanceName(prototype), walk);
}

function dressPlain(value: object, walk: Walk): unknown {
  refuseSymbolKeys(value, walk);
  // Names and symbols apart: together (`Reflect.ownKeys`) they take four times as long.
  const keys = Object.getOwnPropertyNames(value);
  let changed: Map<string, unknown> | undefined;
  let tagged = false;
  for (const key of keys) {
    const property = Object.getOwnPropertyDescriptor(value, key);
    if (
      property === undefined ||
      property.enumerable !== true ||
      property.get !== undefined ||
      property.set !== undefined
    ) {
      enter('object', key, walk);
      return refuse(property?.enumerable === true ? 'a property with a getter or setter' : 'a hidden property', walk);
    }
    if (!tagged && (hazardousKeys.has(key) || !isPlainText(key))) tagged = true;
    const item: unknown = property.value;
    if (isBare(item)) continue;
    enter('object', key, walk);
    const dressed = dress(item, walk);
    leave(walk);
    if (dressed !== item) {
      changed ??= new Map();
      changed.set(key, dressed);
    }
  }
  return tagged || changed !== undefined || walk.canonical !== undefined
    ? rebuild(value, keys, changed ?? new Map(), tagged, walk)
    : value;
}

/** A copy of `value` with what the walk changed; only keys that need it make it a tagged one. */
function rebuild(
  value: object,
  keys: readonly string[],
  changed: ReadonlyMap<string, unknown>,
  tagged: boolean,
  walk: Walk,
): unknown {
  const source = value as Readonly<Record<string, unknown>>;
  const entries = keys.map((key): [string, unknown] => [key, changed.has(key) ? changed.get(key) : source[key]]);
  if (walk.canonical !== undefined) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  if (!tagged) return Object.fromEntries(entries);
  return new Tagged([tag.object, ...entries.flatMap(([key, item]) => [dressText(key), item])]);
}

function dressArray(value: readonly unknown[], walk: Walk): unknown {
  let copy: unknown[] | undefined;
  walk.visited += value.length >> 3;
  for (let index = 0; index < value.length; index += 1) {
    const item = value[index];
    if (isBare(item)) {
      if (item === undefined && !(index in value)) {
        enter('array', index, walk);
        return refuse('a hole in an array', walk);
      }
      continue;
    }
    enter('array', index, walk);
    const dressed = dress(item, walk);
    leave(walk);
    if (dressed !== item) {
      copy ??= [...value];
      copy[index] = dressed;
    }
  }
  refuseNamedProperties(value, value.length, walk);
  return copy ?? value;
}

/** Whether an item needs neither a look nor a wrapper, as most do. */
export function isBare(item: unknown): boolean {
  switch (typeof item) {
    case 'string':
      return isPlainText(item);
    case 'number':
      return item !== 0 || !Object.is(item, -0);
    case 'boolean':
    case 'undefined':
    case 'bigint':
      return true;
    default:
      return item === null;
  }
}

function dressDate(value: Date, walk: Walk): unknown {
  const time = value.getTime();
  if (Number.isNaN(time)) return refuse('an invalid Date', walk);
  refuseNamedProperties(value, 0, walk);
  return new Tagged([tag.date, time]);
}

function dressMap(value: ReadonlyMap<unknown, unknown>, walk: Walk): unknown {
  refuseNamedProperties(value, 0, walk);
  const entries: [unknown, unknown][] = [];
  for (const [key, item] of value) {
    enter('map-key', entries.length, walk);
    const dressedKey = dress(key, walk);
    leave(walk);
    enter('map', key, walk);
    entries.push([dressedKey, dress(item, walk)]);
    leave(walk);
  }
  return new Tagged([tag.map, ...inOrder(entries, walk).flat()]);
}

function dressSet(value: ReadonlySet<unknown>, walk: Walk): unknown {
  refuseNamedProperties(value, 0, walk);
  const items: unknown[] = [];
  for (const item of value) {
    enter('set', items.length, walk);
    items.push(dress(item, walk));
    leave(walk);
  }
  return new Tagged([tag.set, ...inOrder(items, walk)]);
}

/** Insertion order, or for a canonical walk the order of the members' own canonical bytes. */
function inOrder<Item>(items: readonly Item[], { canonical }: Walk): readonly Item[] {
  if (canonical === undefined) return items;
  return items
    .map((item) => ({ item, bytes: canonical(item) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ item }) => item);
}

/** Arrays, dates, maps and sets hold nothing beside their members: it would be lost without a word. */
function refuseNamedProperties(value: object, members: number, walk: Walk): void {
  refuseSymbolKeys(value, walk);
  const keys = Object.keys(value);
  if (keys.length === members) return;
  enter('object', keys[members], walk);
  refuse('a property beside the members', walk);
}

function refuseSymbolKeys(value: object, walk: Walk): void {
  const symbols = Object.getOwnPropertySymbols(value);
  if (symbols.length === 0) return;
  enter('object', symbols[0], walk);
  refuse('a property with a symbol as its key', walk);
}

function enter(kind: Segment['in'], at: unknown, walk: Walk): void {
  walk.kinds.push(kind);
  walk.path.push(at);
}

function leave(walk: Walk): void {
  walk.kinds.pop();
  walk.path.pop();
}

function refuseDepth(walk: Walk): never {
  const { ancestors } = walk;
  const again = ancestors.findIndex((ancestor, index) => ancestors.indexOf(ancestor) < index);
  const seen = ancestors[again];
  if (seen === undefined) return refuse(`nested deeper than ${maxValueDepth} levels`, walk);
  // Back to the first place where the cycle closes.
  const first = pathText(walk, ancestors.indexOf(seen));
  return refuse(`a reference back to ${first}`, walk, again);
}

function refuse(found: string, walk: Walk, length = walk.path.length): never {
  throw new WeirError('WEIR_VALUE_UNSUPPORTED', { what: walk.what, path: pathText(walk, length), found });
}

function pathText({ path, kinds }: Walk, length: number): string {
  return path.slice(0, length).reduce<string>((text, at, index) => text + segmentText(kinds[index], at), '$');
}

function segmentText(kind: Segment['in'] | undefined, at: unknown): string {
  if (kind === 'map') return `.get(${label(at)})`;
  if (kind === 'map-key') return `.keys()[${String(at)}]`;
  if (kind === 'set') return `.values()[${String(at)}]`;
  if (typeof at === 'number') return `[${at}]`;
  if (typeof at === 'string' && /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(at)) return `.${at}`;
  return `[${label(at)}]`;
}

/** Short text of a key; a path is for reading, so a long or structured key is only hinted at. */
function label(key: unknown): string {
  if (typeof key === 'string') return JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}…` : key);
  return typeof key === 'object' && key !== null ? '…' : String(key);
}

function instanceName(prototype: unknown): string {
  const maker = Object.getOwnPropertyDescriptor(Object(prototype), 'constructor')?.value;
  const name = typeof maker === 'function' ? maker.name : '';
  return name === '' || typeof name !== 'string' ? 'an object with a prototype of its own' : `an instance of ${name}`;
}
