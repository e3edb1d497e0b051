/**
 * What children use but do not need (design, section 5: soft): whether it is there, and who is told of a change. A sibling
 * is there while it is ready; what runs elsewhere is there when `Elsewhere` says so.
 */
import type { ChildSpec } from './spec.ts';

/** What is known of services on other workers, such as by their heartbeats. */
export interface Elsewhere {
  available(id: string): boolean;
  /** Calls `listener` after each change; returns how to take that back. */
  onChange(listener: () => void): () => void;
}

export type AvailabilityListener = (id: string, available: boolean) => void;

export interface UsesSetup {
  /** Whether the child is ready; `undefined` if there is no such child. */
  readonly isReady: (id: string) => boolean | undefined;
  readonly elsewhere: Elsewhere | undefined;
  /** Calls somebody else's code, which may throw. */
  readonly call: (listener: () => void) => void;
}

interface Follower {
  readonly listener: AvailabilityListener;
  /** What it was told last. */
  readonly told: Map<string, boolean>;
}

export class Uses {
  readonly #setup: UsesSetup;
  readonly #followers = new Set<Follower>();

  constructor(setup: UsesSetup) {
    this.#setup = setup;
  }

  /** What the child uses and is not there. */
  lacking({ uses = [] }: ChildSpec): readonly string[] {
    return uses.filter((id) => !this.#available(id));
  }

  /** Tells `listener` of each of the child's uses, now and at each change, until the returned function is called. */
  follow({ uses = [] }: ChildSpec, listener: AvailabilityListener): () => void {
    if (uses.length === 0) return () => undefined;
    const follower: Follower = { listener, told: new Map(uses.map((id) => [id, this.#available(id)])) };
    this.#followers.add(follower);
    for (const [id, available] of follower.told) listener(id, available);
    return () => this.#followers.delete(follower);
  }

  /** Tells all who follow what has changed. */
  update(): void {
    for (const { listener, told } of this.#followers) {
      for (const [id, before] of told) {
        const available = this.#available(id);
        if (available === before) continue;
        told.set(id, available);
        this.#setup.call(() => listener(id, available));
      }
    }
  }

  #available(id: string): boolean {
    return this.#setup.isReady(id) ?? this.#setup.elsewhere?.available(id) ?? false;
  }
}
