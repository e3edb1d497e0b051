/** A supervisor on a virtual clock, with children that do as the test says. */
import type { ActorContext, ActorSystem, Ref } from '../../src/actors/kernel/index.ts';
import { seededRandom } from '../../src/ports/index.ts';
import {
  type ChildAnswer,
  type ChildRequest,
  type ChildSpec,
  type ChildStatus,
  type SupervisorMessage,
  type SupervisorSetup,
  type SupervisorSpec,
  shutdownMsOf,
  supervisor,
} from '../../src/supervisors/index.ts';
import type { VirtualClock } from '../../src/testing/index.ts';
import { testSystem } from '../actors/kernel/support.ts';

/** A child that notes its starts and ends, and can be made to fail, to finish or to report itself ready. */
export interface Puppet {
  readonly spec: ChildSpec;
  readonly starts: () => number;
  fail(message: string): void;
  finish(): void;
  ready(): void;
}

export function puppet(id: string, events: string[], settings: Partial<ChildSpec> = {}): Puppet {
  let starts = 0;
  let context: ActorContext<never> | undefined;
  let report: () => void = () => undefined;
  return {
    spec: {
      id,
      start:
        ({ ready }) =>
        (given) => {
          starts += 1;
          context = given;
          report = ready;
          events.push(`+${id}`);
          return { message: () => undefined, ended: () => void events.push(`-${id}`) };
        },
      ...settings,
    },
    starts: () => starts,
    fail: (message) => context?.fail(new Error(message)),
    finish: () => context?.finish(),
    ready: () => report(),
  };
}

/** A request without the address that the answer goes to. */
export type Act = ChildRequest extends infer Each ? (Each extends ChildRequest ? Omit<Each, 'replyTo'> : never) : never;

export interface Supervised {
  readonly clock: VirtualClock;
  readonly system: ActorSystem;
  readonly ref: Ref<SupervisorMessage>;
  readonly downs: string[];
  /** Errors that the supervisor handed on to its owner. */
  readonly escalated: Error[];
  readonly settle: () => Promise<void>;
  /** Ids and states, such as `a:ready b:waiting`. */
  readonly states: () => Promise<string>;
  readonly status: () => Promise<readonly ChildStatus[]>;
  /** Asks for an act on a child, and lets the clock stand still until the answer is there. */
  readonly act: (act: Act) => Promise<ChildAnswer>;
}

export function supervise(
  children: readonly ChildSpec[],
  settings: Partial<SupervisorSpec> = {},
  setup: Partial<SupervisorSetup> = {},
  { restart = false }: { readonly restart?: boolean } = {},
): Supervised {
  const { clock, system, settle } = testSystem();
  const spec: SupervisorSpec = {
    strategy: 'one-for-one',
    intensity: { max: 2, within: '10 s' },
    backoff: { min: 100, max: 1_000, jitter: 0 },
    children,
    ...settings,
  };
  const downs: string[] = [];
  const escalated: Error[] = [];
  system.onEscalation((_path, error) => escalated.push(error));
  const behavior = supervisor(spec, {
    random: seededRandom(1),
    onDown: (id, { message }) => downs.push(`${id}: ${message}`),
    ...setup,
  });
  const ref = system.spawn('supervisor', behavior, {
    shutdownMs: shutdownMsOf(spec),
    onFailure: () => (restart ? { type: 'restart', delayMs: 0 } : { type: 'escalate' }),
  });
  const status = async (): Promise<readonly ChildStatus[]> => {
    await settle();
    return system.ask(ref, (replyTo: Ref<readonly ChildStatus[]>) => ({ type: 'status', replyTo }), {
      withinMs: 1_000,
    });
  };
  const states = async (): Promise<string> => (await status()).map(({ id, state }) => `${id}:${state}`).join(' ');
  const act = async (what: Act): Promise<ChildAnswer> => {
    const answer = system.ask(ref, (replyTo: Ref<ChildAnswer>) => ({ ...what, replyTo }), { withinMs: 600_000 });
    await settle();
    return answer;
  };
  return { clock, system, ref, downs, escalated, settle, states, status, act };
}
