/**
 * The store that is open now. A failed write closes it and opens it again, and readers must not notice: a read that
 * the closing interrupted is made again on the store that follows.
 */
import { WeirError } from '../../../errors/index.ts';
import type { Operations } from './codec.ts';
import type { OpenStore, Range, Store } from './store.ts';

export class StoreHandle {
  readonly #open: () => Promise<Store>;
  /** Undefined while the store is being opened again. */
  #store: Store | undefined;
  #reopened = Promise.withResolvers<void>();
  #closed = false;

  /** `open` opens the store at its place; `store` is the one that is open already. */
  constructor(open: OpenStore, location: string, store: Store) {
    this.#open = () => open(location);
    this.#store = store;
  }

  async write(group: Operations): Promise<void> {
    if (this.#store === undefined) throw new WeirError('WEIR_LOG_CLOSED');
    await this.#store.write(group);
  }

  /** Gives back the space of what was removed, unless the store is being opened again. */
  async compact(): Promise<void> {
    await this.#store?.compact();
  }

  /** @throws WeirError `WEIR_LOG_CLOSED` */
  async read(range: Range): Promise<Array<[key: string, stored: Uint8Array]>> {
    for (;;) {
      if (this.#closed) throw new WeirError('WEIR_LOG_CLOSED');
      const store = this.#store;
      if (store === undefined) {
        await this.#reopened.promise;
        continue;
      }
      try {
        return await store.read(range);
      } catch (error) {
        if (this.#store === store && !this.#closed) throw error;
      }
    }
  }

  /** Closes the store, runs `between` while it is closed, and opens it again. When it rejects, readers go on waiting. */
  async reopen(between: () => Promise<void>): Promise<void> {
    if (this.#store !== undefined) {
      const store = this.#store;
      this.#store = undefined;
      this.#reopened = Promise.withResolvers();
      await store.close();
    }
    await between();
    this.#store = await this.#open();
    this.#reopened.resolve();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#reopened.resolve();
    await this.#store?.close();
  }
}
