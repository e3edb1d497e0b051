/**
 * The gate in front of a child's behaviour: tells the supervisor when this incarnation is ready, and fails it when it is
 * not ready in time. Each incarnation has a gate of its own, so a late report of an older one is known as such.
 */
import type { ActorContext, Behavior, Receive } from '../actors/kernel/index.ts';
import { WeirError } from '../errors/index.ts';
import type { ChildSpec } from './spec.ts';
import type { AvailabilityListener } from './uses.ts';

export interface GateSetup {
  readonly child: ChildSpec;
  readonly startWithinMs: number | undefined;
  /** Called once for each incarnation that becomes ready, and never after its end. */
  readonly onReady: () => void;
  /** Tells the listener of what the child uses; returns how to take that back. */
  readonly follow: (listener: AvailabilityListener) => () => void;
}

export function gated({ child, startWithinMs, onReady, follow }: GateSetup): Behavior<never> {
  return (context) => {
    const gate = startDeadline(context, startWithinMs);
    const ready = (): void => {
      if (gate.passed || context.signal.aborted) return;
      gate.pass();
      onReady();
    };
    const onAvailability = (listener: AvailabilityListener): void => {
      if (!context.signal.aborted) context.signal.addEventListener('abort', follow(listener), { once: true });
    };
    const made = child.start({ id: child.id, ready, onAvailability })(context);
    if (child.ready === 'when-reported') return made instanceof Promise ? gate.race(made) : made;
    if (!(made instanceof Promise)) {
      ready();
      return made;
    }
    return gate.race(made).then((receive) => {
      ready();
      return receive;
    });
  };
}

interface StartDeadline {
  readonly passed: boolean;
  /** The incarnation is ready: the deadline is void. */
  pass(): void;
  /** The result of an asynchronous start, or its failure when the deadline comes first. */
  race(made: Promise<Receive<never>>): Promise<Receive<never>>;
}

function startDeadline(context: ActorContext<never>, withinMs: number | undefined): StartDeadline {
  let passed = false;
  let over = false;
  let giveUp: ((error: Error) => void) | undefined;
  const expire = (): void => {
    over = true;
    const error = new WeirError('WEIR_START_TIMEOUT', {
      path: context.self.path,
      withinMs,
      waitsOn: giveUp === undefined ? 'its own report that it is ready' : 'its behaviour, which is still being made',
    });
    // While its behaviour is being made an actor hears nothing, so the start itself has to fail.
    if (giveUp === undefined) context.fail(error);
    else giveUp(error);
  };
  const timer = withinMs === undefined ? undefined : context.clock.after(withinMs, expire);
  if (timer !== undefined) context.signal.addEventListener('abort', () => timer.cancel(), { once: true });
  return {
    get passed() {
      return passed;
    },
    pass() {
      passed = true;
      timer?.cancel();
    },
    race: (made) =>
      new Promise((resolve, reject) => {
        giveUp = reject;
        made.then((receive) => {
          giveUp = undefined;
          if (over) void putAway(receive, context);
          else resolve(receive);
        }, reject);
      }),
  };
}

/** What a start makes after it was given up must be put away again: nobody else knows it. */
async function putAway(receive: Receive<never>, { log }: ActorContext<never>): Promise<void> {
  try {
    await receive.ended?.({ type: 'abandoned' });
  } catch (thrown) {
    // Its incarnation is long over, so there is nothing left that could be restarted.
    log.error({ err: thrown }, 'a start that was given up failed while it ended');
  }
}
