/**
 * The children of one supervisor in start order, and who stands on whom: by needs, and by the strategy. Owns the order in
 * which children may start, which of them a restart takes along, and which end before which.
 */
import type { Ref } from '../actors/kernel/index.ts';
import type { RestartBudget } from './budget.ts';
import { type Child, isReady, newChild } from './child.ts';
import { dependentsOf } from './domino.ts';
import type { ChildSpec, Strategy } from './spec.ts';

export interface RosterSetup {
  readonly strategy: Strategy;
  /** Makes the budget of each child. */
  readonly budget: () => RestartBudget;
}

export class Roster {
  readonly #setup: RosterSetup;
  readonly #children = new Map<string, Child>();
  readonly #byRef = new Map<Ref<never>, Child>();
  #added = 0;

  constructor(setup: RosterSetup) {
    this.#setup = setup;
  }

  /** Whether children stand on each other by their order alone. */
  get together(): boolean {
    const { strategy } = this.#setup;
    return strategy === 'all-for-one' || strategy === 'rest-for-one';
  }

  add(spec: ChildSpec, listed: boolean): Child {
    this.#added += 1;
    const child = newChild(spec, { position: this.#added, listed }, this.#setup.budget());
    this.#children.set(spec.id, child);
    return child;
  }

  remove(child: Child): void {
    this.#children.delete(child.spec.id);
  }

  /** Notes the actor of a child, or that it is gone. */
  setRef(child: Child, ref: Ref<never> | undefined): void {
    if (child.ref !== undefined) this.#byRef.delete(child.ref);
    child.ref = ref;
    if (ref !== undefined) this.#byRef.set(ref, child);
  }

  get(id: string): Child | undefined {
    return this.#children.get(id);
  }

  of(ref: Ref<never>): Child | undefined {
    return this.#byRef.get(ref);
  }

  /** In start order. */
  all(): Child[] {
    return [...this.#children.values()];
  }

  specs(): ChildSpec[] {
    return this.all().map(({ spec }) => spec);
  }

  /** Those that need `child`, directly or through others. */
  dependents({ spec }: Child): Child[] {
    if (this.#setup.strategy === 'simple-one-for-one') return [];
    return [...dependentsOf(spec.id, this.specs())].flatMap((id) => this.#children.get(id) ?? []);
  }

  /** Those that are restarted when `child` is. */
  takenAlong(child: Child): Child[] {
    switch (this.#setup.strategy) {
      case 'one-for-one':
      case 'simple-one-for-one':
        return [];
      case 'all-for-one':
        return this.all().filter((other) => other !== child);
      case 'rest-for-one':
        return this.#after(child);
    }
  }

  /** Whether all have ended that must not outlive `child`. */
  mayEnd(child: Child): boolean {
    const above = this.together ? this.#after(child) : this.dependents(child);
    return above.every(({ leaving }) => leaving === undefined);
  }

  /** Ids of those that hold up the start of `child`. */
  holdingUp(child: Child): readonly string[] {
    const { needs = [] } = child.spec;
    const missing = needs.filter((id) => {
      const needed = this.#children.get(id);
      return needed === undefined || !isReady(needed);
    });
    if (!this.together) return missing;
    const holding = this.all().filter((other) => other !== child && this.#holdsUp(other, child));
    // Those that wait themselves do so for the same reason: naming that one is enough.
    const [first] = holding;
    const causes = holding.filter(({ state }) => state !== 'waiting').map(({ spec }) => spec.id);
    if (causes.length === 0 && first !== undefined) causes.push(first.spec.id);
    return [...new Set([...missing.filter((id) => this.#children.get(id)?.state !== 'waiting'), ...causes])];
  }

  /** In a group children start one after the other, and none before what a restart takes along has ended. */
  #holdsUp(other: Child, child: Child): boolean {
    if (other.position < child.position) return !isReady(other) && other.state !== 'stopped';
    if (other.leaving !== undefined) return true;
    return this.#setup.strategy === 'all-for-one' && (other.state === 'backoff' || other.state === 'down');
  }

  #after({ position }: Child): Child[] {
    return this.all().filter((other) => other.position > position);
  }
}
