/**
 * The store that is open now. A failed write closes it and opens it again, and readers must not notice: a read that
 * the closing interrupted is made again on the store that follows.
 */
import type { Operations } from './codec.ts';
import type { OpenStore, Range, Store } from './store.ts';

export class StoreHandle {
  readonly #open: () => Promise<Store>;
  #store: Promise<Store>;
  #closed = false;

  /** `open` opens the store at its place; `store` is the one that is open already. */
  constructor(open: OpenStore, location: string, store: Store) {
    this.#open = () => open(location);
    this.#store = Promise.resolve(store);
  }

  async write(group: Operations): Promise<void> {
    await (await this.#store).write(group);
  }

  async read(range: Range): Promise<Array<[key: string, stored: Uint8Array]>> {
    for (;;) {
      const promise = this.#store;
      const store = await promise;
      try {
        return await store.read(range);
      } catch (error) {
        if (this.#closed || this.#store === promise) throw error;
      }
    }
  }

  /** Closes the store, runs `between` while it is closed, and opens it again. Can be repeated after it rejected. */
  async reopen(between: () => Promise<void>): Promise<void> {
    const before = this.#store;
    const opened = Promise.withResolvers<Store>();
    this.#store = opened.promise;
    // Readers wait for it; nobody may be there to hear a rejection.
    opened.promise.catch(() => undefined);
    try {
      await before.then(
        (store) => store.close(),
        () => undefined,
      );
      await between();
      opened.resolve(await this.#open());
    } catch (error) {
      opened.reject(error);
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#store.then(
      (store) => store.close(),
      () => undefined,
    );
  }
}
