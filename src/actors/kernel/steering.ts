/**
 * Acts on one actor by its path, from outside: what an operator does, and the failures that a test injects. Owns which
 * actor is meant and what holds it up; an act itself is the cell's. Nothing here costs an actor that is left alone.
 */
import { WeirError } from '../../errors/index.ts';
import type { Clock, Timer } from '../../ports/index.ts';
import type { Cause, Steering, SteeringAnswer } from './types.ts';

/** What can be done to a cell from outside. An act that gives `false` has not happened: the state of the actor forbids it. */
export interface Steerable {
  /** Resolves when it is dead. */
  stop(cause: Cause): Promise<void>;
  suspend(): boolean;
  resume(): boolean;
  /** Fails with `error` once the running turn has settled, or when the stop deadline of the actor gives that turn up. */
  restart(error: Error): boolean;
  /** The next turn throws `error`. */
  crash(error: Error): boolean;
  /** The next turn waits for `until`. */
  hang(until: Promise<void>): boolean;
  /** The mailbox takes nothing more, or again as much as its capacity says. */
  fill(full: boolean): void;
}

export function createSteering(find: (path: string) => Steerable | undefined, clock: Clock): Steering {
  /** What holds an actor up and can be let go of. */
  const held = new WeakMap<Steerable, Set<() => void>>();

  const hold = (actor: Steerable, letGo: () => void): void => {
    const holds = held.get(actor) ?? new Set();
    held.set(actor, holds.add(letGo));
  };

  const act = (path: string, on: (actor: Steerable) => boolean): SteeringAnswer => {
    const actor = find(path);
    if (actor === undefined) return 'no-such-actor';
    return on(actor) ? 'done' : 'not-allowed';
  };

  const hang = (actor: Steerable, forMs: number | undefined): boolean => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer: Timer | undefined = forMs === undefined ? undefined : clock.after(forMs, resolve);
    if (!actor.hang(promise)) {
      timer?.cancel();
      return false;
    }
    const letGo = (): void => {
      timer?.cancel();
      resolve();
    };
    hold(actor, letGo);
    void promise.then(() => held.get(actor)?.delete(letGo));
    return true;
  };

  return {
    suspend: (path) => act(path, (actor) => actor.suspend()),
    resume: (path) => act(path, (actor) => actor.resume()),
    restart: (path) => act(path, (actor) => actor.restart(new WeirError('WEIR_ACTOR_RESTARTED', { path }))),
    crash: (path, error) => act(path, (actor) => actor.crash(error)),
    hang: (path, forMs) => act(path, (actor) => hang(actor, forMs)),
    async stop(path) {
      let gone: Promise<void> | undefined;
      const answer = act(path, (actor) => {
        gone = actor.stop({ type: 'stopped' });
        return true;
      });
      await gone;
      return answer;
    },
    fill: (path) =>
      act(path, (actor) => {
        actor.fill(true);
        hold(actor, () => actor.fill(false));
        return true;
      }),
    release: (path) =>
      act(path, (actor) => {
        for (const letGo of held.get(actor) ?? []) letGo();
        held.delete(actor);
        return true;
      }),
  };
}
