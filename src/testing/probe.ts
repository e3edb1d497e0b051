/**
 * Probes: actors that a test holds in its hand. What they are told waits until the test looks at it, in order; every
 * wait is in virtual time.
 */
import type { ActorSystem, Cause, Ref } from '../actors/kernel/index.ts';
import type { Duration } from '../ports/index.ts';
import { brief, type CallSite, callSite, difference, type Expected, meets } from './expectation.ts';
import { settledWithin, until, type Within } from './until.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** An actor that a test gives to others, to see what they tell it. */
export interface Probe<Message> {
  readonly ref: Ref<Message>;
  /** Told, and not looked at yet; oldest first. */
  readonly waiting: readonly Message[];
  /** The next message, whatever it is. @throws ExpectationError when none came `within` (default 3 s) */
  receive(options?: Within): Promise<Message>;
  /** The next message, which has to be this one, or pass this test. @throws ExpectationError */
  expect<Part extends Message>(expected: (message: Message) => message is Part, options?: Within): Promise<Part>;
  expect(expected: Expected<Message>, options?: Within): Promise<Message>;
  /** The next message that is this one, or passes this test; those before it are skipped. @throws ExpectationError */
  fish<Part extends Message>(expected: (message: Message) => message is Part, options?: Within): Promise<Part>;
  fish(expected: Expected<Message>, options?: Within): Promise<Message>;
  /** Lets time pass (default 100 ms), in which nothing may come. @throws ExpectationError */
  expectNoMessage(within?: Duration): Promise<void>;
  /** Waits for the end of an actor, and says how it ended. @throws ExpectationError */
  expectTerminated(ref: Ref<never>, options?: Within): Promise<Cause>;
}

export interface ProbeSetup {
  readonly system: ActorSystem;
  readonly clock: VirtualClock;
  readonly name: string;
}

const patience: Duration = '3 s';

export function probeIn<Message>({ system, clock, name }: ProbeSetup): Probe<Message> {
  const queue: Array<{ readonly message: Message }> = [];
  const ref = system.spawn<Message>(name, () => ({ message: (message) => void queue.push({ message }) }));

  const next = async (what: string, site: CallSite, within: Duration): Promise<Message> => {
    const found = await until(clock, within, () => queue.shift());
    if (found === undefined) throw site.error(`${name} was told nothing within ${within}: expected ${what}`);
    return found.message;
  };

  function receive({ within = patience }: Within = {}): Promise<Message> {
    return next('a message', callSite(receive), within);
  }

  function expect<Part extends Message>(
    expected: (message: Message) => message is Part,
    options?: Within,
  ): Promise<Part>;
  function expect(expected: Expected<Message>, options?: Within): Promise<Message>;
  async function expect(expected: Expected<Message>, { within = patience }: Within = {}): Promise<Message> {
    const site = callSite(expect);
    const message = await next(named(expected), site, within);
    if (meets(expected, message)) return message;
    throw site.error(`${name} was told something else than expected\n${difference(expected, message)}`);
  }

  function fish<Part extends Message>(expected: (message: Message) => message is Part, options?: Within): Promise<Part>;
  function fish(expected: Expected<Message>, options?: Within): Promise<Message>;
  async function fish(expected: Expected<Message>, { within = patience }: Within = {}): Promise<Message> {
    const site = callSite(fish);
    const skipped: string[] = [];
    const found = await until(clock, within, () => {
      for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
        if (meets(expected, one.message)) return one;
        skipped.push(`  ${brief(one.message)}`);
      }
      return undefined;
    });
    if (found !== undefined) return found.message;
    const seen = skipped.length === 0 ? 'nothing at all' : ['only', ...skipped].join('\n');
    throw site.error(`${name} waited ${within} for ${named(expected)}, and was told ${seen}`);
  }

  async function expectNoMessage(within: Duration = '100 ms'): Promise<void> {
    const site = callSite(expectNoMessage);
    const found = await until(clock, within, () => queue[0]);
    if (found !== undefined) throw site.error(`${name} was told ${brief(found.message)}: expected no message`);
  }

  async function expectTerminated(other: Ref<never>, { within = patience }: Within = {}): Promise<Cause> {
    const site = callSite(expectTerminated);
    const ended = await settledWithin(clock, within, system.terminated(other));
    if (ended === undefined) throw site.error(`${other.path} still lives after ${within}: expected its end`);
    return ended.value;
  }

  return {
    ref,
    get waiting() {
      return queue.map(({ message }) => message);
    },
    receive,
    expect,
    fish,
    expectNoMessage,
    expectTerminated,
  };
}

function named(expected: unknown): string {
  if (typeof expected !== 'function') return brief(expected);
  return expected.name === '' ? 'a message that passes the test' : `a message that passes "${expected.name}"`;
}
