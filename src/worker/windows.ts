/**
 * The windows of a node: how long it tries, waits and remembers. Exactly once rests on some of them being no longer than
 * others (W4); which those are is one table, checked before anything starts.
 */
import { shardAnswerMs } from '../actors/rpc/index.ts';
import { WeirError } from '../errors/index.ts';
import { type Duration, inWords, toMs } from '../ports/index.ts';
import type { BackoffSettings } from '../supervisors/index.ts';

/** Settings that say how long; what nobody says has its default. */
export interface WindowSettings {
  readonly retention?: Duration | undefined;
  readonly audit?: Duration | undefined;
  readonly redeliver?: Duration | undefined;
  readonly hospital?: Duration | undefined;
  readonly idle?: Duration | undefined;
  readonly stepTimeout?: Duration | undefined;
}

/** Lengths in milliseconds. */
export interface Windows {
  /** A message that was not acknowledged is sent again, for the first time. */
  readonly resend: number;
  /** A start that is on its way counts. */
  readonly request: number;
  /** A message is tried. */
  readonly redeliver: number;
  /** An ended flow, and the request id or session that started it, is remembered. */
  readonly retention: number;
  /** What was done to flows is kept. */
  readonly audit: number;
  /** A flow may be STUCK. */
  readonly hospital: number;
  /** One attempt of a step may take, where the step does not say otherwise. */
  readonly stepTimeout: number;
  /** A session may be silent. */
  readonly idle: number;
}

type Name = keyof Windows;

/** Those that no setting changes. */
const fixed = { resend: 1_000, request: shardAnswerMs } as const;

const called: Readonly<Record<keyof typeof fixed, string>> = {
  resend: 'the pause before a message is sent again for the first time',
  request: 'the time that a start may take',
};

/** What must not be longer than what, and why. */
export const relations: ReadonlyArray<{ readonly shorter: Name; readonly longer: Name; readonly because: string }> = [
  { shorter: 'resend', longer: 'redeliver', because: 'a message that gets lost once would be given up' },
  {
    shorter: 'redeliver',
    longer: 'retention',
    because: 'a message could arrive when the flow that took it is forgotten',
  },
  {
    shorter: 'request',
    longer: 'retention',
    because: 'a start could arrive when the flow that it has started is forgotten',
  },
  { shorter: 'retention', longer: 'audit', because: 'a flow could be asked for of which nobody knows who started it' },
  { shorter: 'redeliver', longer: 'idle', because: 'a session would time out while its messages are still tried' },
  {
    shorter: 'stepTimeout',
    longer: 'idle',
    because: 'the peers of a flow would give up before the attempt of a step has to have ended',
  },
  {
    shorter: 'hospital',
    longer: 'idle',
    because: 'the peers of a STUCK flow would give up before an operator has to have acted',
  },
];

const dayMs = toMs('1 day');

/** A peer that stays away is asked at least so often. */
const longestResendMs = toMs('30 s');
/** Repeats that a message has at least before it is given up, however short that time is. */
const fewestRepeats = 8;

/** The pauses between repeats of a message: doubled from the first one on, and spread, so that many do not come at once. */
export function resendPauses({ resend, redeliver }: Windows): BackoffSettings {
  return { minMs: resend, maxMs: Math.max(resend, Math.min(longestResendMs, redeliver / fewestRepeats)), jitter: 0.25 };
}

/**
 * The windows that settings make.
 * @throws WeirError `WEIR_CONFIGURATION_WINDOWS` when one is longer than it may be, naming each such pair
 */
export function windowsOf(settings: WindowSettings): Windows {
  const given = (name: keyof WindowSettings, otherwise: number): number => toMs(settings[name] ?? otherwise);
  const retention = given('retention', dayMs);
  const redeliver = given('redeliver', Math.min(retention, dayMs));
  const hospital = given('hospital', 7 * dayMs);
  const stepTimeout = given('stepTimeout', toMs('10 min'));
  const windows: Windows = {
    ...fixed,
    redeliver,
    retention,
    audit: given('audit', Math.max(30 * dayMs, retention)),
    hospital,
    stepTimeout,
    idle: given('idle', Math.max(30 * dayMs, 2 * hospital, redeliver, stepTimeout)),
  };
  check(windows);
  return windows;
}

function check(windows: Windows): void {
  const wrong = relations.filter(({ shorter, longer }) => windows[shorter] > windows[longer]);
  const [first] = wrong;
  if (first === undefined) return;
  const textOf = (name: Name): string => `${isFixed(name) ? called[name] : name} (${inWords(windows[name])})`;
  const sentences = wrong.map(
    ({ shorter, longer, because }) => `${textOf(shorter)} is longer than ${textOf(longer)}: ${because}`,
  );
  const shorten = isFixed(first.shorter) ? '' : `, or shorten ${first.shorter}`;
  throw new WeirError('WEIR_CONFIGURATION_WINDOWS', {
    windows: sentences.join('; '),
    change: `lengthen ${first.longer}${shorten}`,
    shorter: first.shorter,
    longer: first.longer,
  });
}

function isFixed(name: Name): name is keyof typeof fixed {
  return name in fixed;
}
