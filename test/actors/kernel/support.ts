/** What the kernel's tests share: a system on a virtual clock, a log that can be read, promises that a test settles. */
import { type ActorSystem, type Behavior, createActorSystem, type Decision } from '../../../src/actors/kernel/index.ts';
import { type LogFields, type Logger, seededRandom } from '../../../src/ports/index.ts';
import { type VirtualClock, virtualClock } from '../../../src/testing/index.ts';

export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: LogFields;
  readonly message: string;
}

export interface TestSystem {
  readonly clock: VirtualClock;
  readonly system: ActorSystem;
  readonly lines: readonly Line[];
  /** Lets everything run that is ready. */
  readonly settle: () => Promise<void>;
}

export interface TestSettings {
  readonly sliceMs?: number;
  readonly turnsPerPhase?: number;
  /** Stands in for the virtual clock's own. */
  readonly monotonic?: () => number;
}

export function testSystem({ monotonic, ...settings }: TestSettings = {}): TestSystem {
  const clock = virtualClock();
  const lines: Line[] = [];
  const seen = monotonic === undefined ? clock : { ...clock, monotonic };
  const system = createActorSystem({ clock: seen, random: seededRandom(1), logger: capture(lines), ...settings });
  return { clock, system, lines, settle: () => clock.advance(0) };
}

function capture(lines: Line[], bound: LogFields = {}): Logger {
  const line =
    (level: Line['level']) =>
    (fields: LogFields, message: string): void =>
      void lines.push({ level, fields: { ...bound, ...fields }, message });
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (fields) => capture(lines, { ...bound, ...fields }),
  };
}

export interface Gate {
  readonly opened: Promise<void>;
  open(): void;
  fail(error: unknown): void;
}

/** A promise that the test settles. */
export function gate(): Gate {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve, fail: reject };
}

/** An actor that keeps what it is told. */
export function recorder<Message>(into: Message[]): Behavior<Message> {
  return () => ({ message: (message) => void into.push(message) });
}

/** An actor that tells when each of its turns begins and ends; the one for `a` waits at the gate. */
export function turnTeller(into: string[], at: Gate): Behavior<string> {
  return () => ({
    async message(message) {
      into.push(`${message} begins`);
      if (message === 'a') await at.opened;
      into.push(`${message} ends`);
    },
  });
}

export const restartAtOnce = { onFailure: (): Decision => ({ type: 'restart', delayMs: 0 }) };

export const escalate = { onFailure: (): Decision => ({ type: 'escalate' }) };
