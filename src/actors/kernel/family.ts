/**
 * The children of one owner - an actor or the system - in start order, under unique names. Owns names, places in nact's
 * tree, and the order in which children stop: one after the other, the last started first (AK3). A name is free once its
 * actor has ended and whatever it ran has settled, also a turn that was given up.
 */
import { WeirError } from '../../errors/index.ts';
import type { Clock } from '../../ports/index.ts';
import type { Branch } from './name-tree.ts';
import type { Steerable } from './steering.ts';
import type { ActorSnapshot, ActorTrace, Cause, TraceSettings } from './types.ts';

/** What an owner knows of a child, whatever its messages are. */
export interface Child extends Steerable {
  readonly name: string;
  readonly alive: boolean;
  /** Ends its stop at once: whatever it still waits for is abandoned. */
  kill(): void;
  snapshot(now: number): ActorSnapshot;
  trace(settings: TraceSettings): ActorTrace;
  /** The actor below that these names lead to; itself if there are none. */
  find(names: readonly string[]): Child | undefined;
  /** Messages that wait here and below. */
  backlog(): number;
}

/** Stops that cost no wait are cheap, but thousands of them in one go would hold up timers. */
const stopsPerMacrotask = 200;

export class Family {
  readonly branch: Branch;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #children = new Map<string, Child>();
  /** Ended, but a turn that was given up still runs under that name. */
  #haunted: Map<string, Child> | undefined;

  constructor(path: string, branch: Branch, clock: Clock) {
    this.#path = path;
    this.branch = branch;
    this.#clock = clock;
  }

  get size(): number {
    return this.#children.size;
  }

  /**
   * @param besideAbandoned whether the new actor may run beside an abandoned turn of the last one of that name
   * @throws WeirError `WEIR_NAME_INVALID`, `WEIR_NAME_IN_USE`
   */
  checkName(name: string, besideAbandoned: boolean): void {
    if (name.length === 0 || name.length > 200 || name.includes('/')) {
      const why = name.length === 0 ? 'it is empty' : name.length > 200 ? 'it is too long' : 'it contains "/"';
      throw new WeirError('WEIR_NAME_INVALID', { name, why });
    }
    const haunted = !besideAbandoned && this.#haunted?.has(name) === true;
    if (haunted || this.#children.has(name)) throw new WeirError('WEIR_NAME_IN_USE', { name, path: this.#path });
  }

  add(child: Child): void {
    this.#children.set(child.name, child);
  }

  /** The child is dead. `settled` says whether nothing that it ran runs any more; if not, `settle` does later. */
  remove(child: Child, settled: boolean): void {
    const { name } = child;
    if (this.#children.get(name) !== child) return;
    this.#children.delete(name);
    this.branch.held -= 1;
    if (settled) return;
    this.#haunted ??= new Map();
    this.#haunted.set(name, child);
  }

  settle(child: Child): void {
    if (this.#haunted?.get(child.name) === child) this.#haunted.delete(child.name);
  }

  find([name, ...below]: readonly string[]): Child | undefined {
    return name === undefined ? undefined : this.#children.get(name)?.find(below);
  }

  /** Stops all, in reverse start order, each with its own deadline. */
  async stop(cause: Cause): Promise<void> {
    let stopped = 0;
    for (const child of [...this.#children.values()].reverse()) {
      const gone = child.stop(cause);
      if (child.alive) await gone;
      stopped += 1;
      if (stopped % stopsPerMacrotask === 0) await new Promise<void>((resolve) => this.#clock.soon(resolve));
    }
  }

  /** Ends all stops at once; for an owner whose own deadline has passed. */
  async kill(cause: Cause): Promise<void> {
    const children = [...this.#children.values()].reverse();
    const gone = children.map((child) => child.stop(cause));
    for (const child of children) child.kill();
    await Promise.all(gone);
  }

  snapshot(now: number): ActorSnapshot[] {
    return [...this.#children.values()].map((child) => child.snapshot(now));
  }

  backlog(): number {
    let queued = 0;
    for (const child of this.#children.values()) queued += child.backlog();
    return queued;
  }
}
