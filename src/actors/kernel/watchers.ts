/** Who wants to know of an actor's end (AK7). */
import type { Cause, Ref } from './types.ts';

interface Watcher {
  readonly ref: Ref<never>;
  readonly notify: (cause: Cause) => void;
}

export class Watchers {
  readonly #watchers = new Set<Watcher>();

  /** Returns how to take the watch back. */
  add(ref: Ref<never>, notify: (cause: Cause) => void): () => void {
    const watcher: Watcher = { ref, notify };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Tells those whose reference `ended` says has ended, once. */
  tell(cause: Cause, ended: (ref: Ref<never>) => boolean): void {
    for (const watcher of [...this.#watchers]) {
      if (!ended(watcher.ref)) continue;
      this.#watchers.delete(watcher);
      watcher.notify(cause);
    }
  }
}
