/** The actor system: top-level actors, what all cells share, and the end of it all. */
import { WeirError } from '../../errors/index.ts';
import type { Clock, Logger, LoopProbe, Random } from '../../ports/index.ts';
import { Asks } from './asks.ts';
import { type Owner, spawnInto } from './cell.ts';
import { DeadLetters, type Totals } from './dead-letters.ts';
import { Events } from './events.ts';
import { Family } from './family.ts';
import { Governor, type Turnable } from './governor.ts';
import type { Kernel } from './kernel.ts';
import { NameTree } from './name-tree.ts';
import { type Addressee, cellOf } from './ref.ts';
import { createSteering } from './steering.ts';
import type { ActorSystem, Cause, Ref } from './types.ts';

export interface ActorSystemSetup {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  /** Shown in the log. Default `weir`. */
  readonly name?: string;
  /** How long the cells of one phase run together before input, output and timers have their chance. Default 5. */
  readonly sliceMs?: number;
  /** Cells admitted in one phase of the loop. Default 32. */
  readonly turnsPerPhase?: number;
  /** Told whose turn it is. Default: nobody is. */
  readonly probe?: LoopProbe | undefined;
}

/** Starts an actor system. Nothing runs until an actor is spawned; `terminate` ends it. */
export function createActorSystem(setup: ActorSystemSetup): ActorSystem {
  const { clock, random, name = 'weir' } = setup;
  const logger = setup.logger.child({ system: name });
  const kernel = createKernel(setup, logger);
  const family = new Family('/', kernel.tree.root, clock);
  const escalationListeners: ((path: string, error: Error) => void)[] = [];
  let terminated: Promise<void> | undefined;
  // A uid remembered from an earlier run of the process should not fit an actor of this one.
  let uid = Math.floor(random.next() * 2 ** 30);

  function createKernel({ sliceMs = 5, turnsPerPhase = 32, probe }: ActorSystemSetup, log: Logger): Kernel {
    const totals: Totals = { accepted: 0, handled: 0, deadLettered: 0, refused: 0, timedOut: 0 };
    const events = new Events(clock, log);
    const letters = new DeadLetters(clock, log, totals, events);
    const tree = new NameTree<Turnable>({
      onTurn: (cell) => governor.arrive(cell),
      onDefect: (cell, thrown) => log.error({ actor: cell.path, err: thrown }, 'a turn failed outside its actor'),
    });
    const governor: Governor = new Governor({
      clock,
      sliceMs,
      turnsPerPhase,
      give: (node, cell) => tree.give(node, cell),
      probe,
    });
    const asks = new Asks({ clock, letters, totals });
    return { clock, logger: log, governor, tree, letters, totals, asks, events, probe, nextUid: () => (uid += 1) };
  }

  const owner: Owner = {
    forget: (child, settled) => family.remove(child, settled),
    childSettled: (child) => family.settle(child),
    escalated(path, error) {
      logger.error({ actor: path, err: error }, 'a top-level actor escalated: nobody is left to handle it');
      for (const listener of escalationListeners) {
        try {
          listener(path, error);
        } catch (thrown) {
          // This runs in the turn of the actor that failed, which must come to its end.
          logger.error({ err: thrown }, 'a listener for escalations failed');
        }
      }
    },
  };

  const addressee = (ref: Ref<never>, act: string): Addressee => {
    const cell = cellOf(ref);
    if (cell === undefined) throw new WeirError('WEIR_NOT_AN_ACTOR', { path: ref.path, by: 'the system', act });
    return cell;
  };

  const terminate = async (): Promise<void> => {
    await family.stop({ type: 'stopped' });
    kernel.asks.close();
    kernel.tree.close();
  };

  return {
    clock,
    steer: createSteering((path) => family.find(namesOf(path)), clock),
    spawn(child, behavior, options = {}) {
      if (terminated !== undefined) throw new WeirError('WEIR_ACTOR_DEAD', { path: '/' });
      return spawnInto(family, { kernel, owner, name: child, path: `/${child}`, behavior, options });
    },
    stop: async (ref) => addressee(ref, 'stop').stop({ type: 'stopped' }),
    ask: (ref, make, options) => kernel.asks.ask(ref, make, options),
    terminated: async (ref) => {
      const cell = addressee(ref, 'watch');
      return new Promise<Cause>((resolve) => void cell.addWatcher(ref, resolve));
    },
    tree: () => family.snapshot(clock.monotonic()),
    events: kernel.events,
    trace: (path, traced = {}) => family.find(namesOf(path))?.trace(traced),
    counts: () => ({ ...kernel.totals, queued: family.backlog() }),
    onDeadLetter: (listener) => kernel.letters.listen(listener),
    onEscalation: (listener) => void escalationListeners.push(listener),
    destroy() {
      terminated ??= Promise.resolve();
      kernel.tree.close();
    },
    terminate() {
      terminated ??= terminate();
      return terminated;
    },
  };
}

/** `/services/rpc` names `rpc` below `services`. */
function namesOf(path: string): readonly string[] {
  return path.split('/').slice(1);
}
