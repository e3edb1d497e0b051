/**
 * The gate in front of a child's behaviour: tells the supervisor when this incarnation is ready, and fails it when it is
 * not ready in time. Each incarnation has a gate of its own, so a late report of an older one is known as such.
 */
import type { ActorContext, Behavior, Receive } from '../actors/kernel/index.ts';
import { WeirError } from '../errors/index.ts';
import type { Timer } from '../ports/index.ts';
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
    const gate = new StartDeadline(context, startWithinMs);
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

/** The time that a start has. A class: an object with a getter written out would cost a hidden class for each start. */
class StartDeadline {
  /** The incarnation is ready: the deadline is void. */
  passed = false;
  readonly #context: ActorContext<never>;
  readonly #withinMs: number | undefined;
  readonly #timer: Timer | undefined;
  #over = false;
  #giveUp: ((error: Error) => void) | undefined;

  constructor(context: ActorContext<never>, withinMs: number | undefined) {
    this.#context = context;
    this.#withinMs = withinMs;
    if (withinMs === undefined) return;
    const timer = context.clock.after(withinMs, () => this.#expire());
    this.#timer = timer;
    context.signal.addEventListener('abort', () => timer.cancel(), { once: true });
  }

  pass(): void {
    this.passed = true;
    this.#timer?.cancel();
  }

  /** The result of an asynchronous start, or its failure when the deadline comes first. */
  race(made: Promise<Receive<never>>): Promise<Receive<never>> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      made.then((receive) => {
        this.#giveUp = undefined;
        if (this.#over) void putAway(receive, this.#context);
        else resolve(receive);
      }, reject);
    });
  }

  #expire(): void {
    this.#over = true;
    const giveUp = this.#giveUp;
    const error = new WeirError('WEIR_START_TIMEOUT', {
      path: this.#context.self.path,
      withinMs: this.#withinMs,
      waitsOn: giveUp === undefined ? 'its own report that it is ready' : 'its behaviour, which is still being made',
    });
    // While its behaviour is being made an actor hears nothing, so the start itself has to fail.
    if (giveUp === undefined) this.#context.fail(error);
    else giveUp(error);
  }
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
