/**
 * One behaviour without a system: messages are handled at once, and what it does is recorded instead of done.
 * Owns a context that only records; what restarts, mailboxes and real time do to an actor is for `actorKit`.
 */

import { inspect } from 'node:util';
import type { Behavior, Cause, Ref, TellResult } from '../actors/kernel/index.ts';
import { type CapturedLog, capturedLog } from './captured-log.ts';
import { brief, callSite, lineDifference, meets } from './expectation.ts';
import { type Effect, RecordedActor } from './recorded-actor.ts';
import { type VirtualClock, virtualClock } from './virtual-clock.ts';

/** What a behaviour has done, each kind in order. A kind that is not named is expected to be empty. */
export interface BehaviorEffects<Message> {
  /** Messages told, asked ones too; a reply is one that is told to the `replyTo` of a message. */
  readonly told?: ReadonlyArray<readonly [to: Ref<never>, message: unknown]>;
  /** Names of children. */
  readonly spawned?: readonly string[];
  /** Paths of children that were stopped. */
  readonly stopped?: readonly string[];
  readonly watched?: ReadonlyArray<Ref<never>>;
  readonly unwatched?: ReadonlyArray<Ref<never>>;
  readonly timers?: ReadonlyArray<readonly [key: string, message: Message, delayMs: number]>;
  readonly cancelled?: readonly string[];
  /** The receive timeout that was set; undefined in the list ends it. */
  readonly receiveTimeouts?: ReadonlyArray<number | undefined>;
  readonly stashed?: readonly Message[];
  /** It has ended itself, with `finish()`. */
  readonly finished?: boolean;
  /** Message of the error that it threw or failed with, or a test for it. */
  readonly failed?: string | ((error: Error) => boolean);
}

/** A behaviour in the middle of a test. */
export interface BehaviorScenario<Message> {
  /** Handles messages; `then` speaks of what they did. */
  when(...messages: readonly Message[]): BehaviorScenario<Message>;
  /** The timer of this key rings. */
  whenTimer(key: string): BehaviorScenario<Message>;
  /** A watched actor ends. Default cause `stopped`. */
  whenTerminated(ref: Ref<never>, cause?: Cause): BehaviorScenario<Message>;
  /** What was done since the last `then` (or since `given`), no more and no less. @throws ExpectationError */
  then(effects: BehaviorEffects<Message>): BehaviorScenario<Message>;
}

export interface BehaviorKit<Message> {
  /** A new incarnation that has handled these messages; what it did so far is not spoken of. */
  given(...messages: readonly Message[]): BehaviorScenario<Message>;
  /** A reference to give away in messages: it takes everything, and what it is told is recorded. One for each name. */
  ref<Of>(name: string): Ref<Of>;
  /** The behaviour's own; what it tells itself is recorded, and not handled. */
  readonly self: Ref<Message>;
  /** The child of this name, as `spawn` gives it. */
  child<Of>(name: string): Ref<Of>;
  readonly clock: VirtualClock;
  readonly log: CapturedLog;
}

/**
 * A kit for one behaviour.
 *
 * ```ts
 * const { given, ref } = behaviorKit(counter);
 * const customer = ref<Answer>('customer');
 * given({ type: 'add', count: 2 })
 *   .when({ type: 'read', replyTo: customer })
 *   .then({ told: [[customer, { total: 2 }]] });
 * ```
 */
export function behaviorKit<Message>(behavior: Behavior<Message>): BehaviorKit<Message> {
  const clock = virtualClock();
  const log = capturedLog({ clock });
  /** The scenario that runs now: references belong to the kit, what they are told to the scenario. */
  let effects: Effect[] = [];
  const refs = new Map<string, Ref<unknown>>();
  const ref = (name: string): Ref<unknown> => {
    const known = refs.get(name);
    if (known !== undefined) return known;
    const made = {
      path: `/${name}`,
      uid: 1,
      tell: (message: unknown): TellResult => {
        effects.push({ kind: 'told', text: `tell ${made.path} ${brief(message)}`, value: [made, message] });
        return 'accepted';
      },
      [inspect.custom]: () => `ref ${made.path}`,
    };
    refs.set(name, made);
    return made;
  };

  return {
    clock,
    log,
    self: ref('self'),
    child: (name) => ref(`self/${name}`),
    ref,
    given(...messages) {
      const record: Effect[] = [];
      effects = record;
      const actor = new RecordedActor(behavior, { clock, log, ref, record });
      const within = (act: () => void): void => {
        effects = record;
        act();
      };
      within(() => actor.handle(messages));
      record.length = 0;
      const scenario: BehaviorScenario<Message> = {
        when(...next) {
          within(() => actor.handle(next));
          return scenario;
        },
        whenTimer(key) {
          within(() => actor.ring(key, callSite(scenario.whenTimer).error));
          return scenario;
        },
        whenTerminated(ended, cause = { type: 'stopped' }) {
          within(() => actor.signal({ type: 'terminated', ref: ended, cause }));
          return scenario;
        },
        // biome-ignore lint/suspicious/noThenProperty: given, when, then are the words of such a test; nothing is awaited
        then(expected) {
          const site = callSite(scenario.then);
          if (typeof expected === 'function') throw site.error('this is no promise: say then({ told: [...] })');
          const seen = record.splice(0);
          const different = compare(expected, seen);
          if (different !== undefined) throw site.error(different);
          return scenario;
        },
      };
      return scenario;
    },
  };
}

function compare<Message>(expected: BehaviorEffects<Message>, seen: readonly Effect[]): string | undefined {
  const { finished = false, failed, ...lists } = expected;
  const wanted = new Map<string, readonly unknown[]>(Object.entries(lists));
  if (finished) wanted.set('finished', [true]);
  if (failed !== undefined) wanted.set('failed', [failed]);
  const lines = new Set([...wanted.keys(), ...seen.map(({ kind }) => kind)]);
  const different = [...lines].filter((kind) => {
    const found = seen.filter((effect) => effect.kind === kind).map(({ value }) => value);
    const want = wanted.get(kind) ?? [];
    return want.length !== found.length || !want.every((one, index) => fits(one, found[index]));
  });
  if (different.length === 0) return undefined;
  const want = different.flatMap((kind) => (wanted.get(kind) ?? []).map((value) => `${kind}: ${textOf(value)}`));
  const found = different.flatMap((kind) =>
    seen.filter((effect) => effect.kind === kind).map(({ value }) => `${kind}: ${textOf(value)}`),
  );
  const all = seen.length === 0 ? ['  nothing'] : seen.map(({ text }) => `  ${text}`);
  return [
    'the behaviour did something else than expected',
    '- expected  + done',
    ...lineDifference(want, found),
    'all it did:',
    ...all,
  ].join('\n');
}

function fits(expected: unknown, found: unknown): boolean {
  if (found instanceof Error) return typeof expected === 'string' ? found.message === expected : meets(expected, found);
  if (!Array.isArray(expected) || !Array.isArray(found))
    return isRef(expected) ? expected === found : meets(expected, found);
  return expected.length === found.length && expected.every((one, index) => fits(one, found[index]));
}

/** References are the same or they are not; what stands in them is nobody's business. */
function isRef(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'tell' in value && 'path' in value;
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(' ');
  if (value instanceof Error) return value.message;
  if (typeof value === 'string') return value;
  return typeof value === 'object' && value !== null && 'tell' in value && 'path' in value
    ? String(value.path)
    : brief(value);
}
