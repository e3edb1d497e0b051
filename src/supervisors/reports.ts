/** Who looks on at a supervisor: told of what changes, and unable to harm what it looks at. */
import type { Logger } from '../ports/index.ts';
import type { ChildStatus } from './status.ts';

export interface Onlookers {
  /** A child is down: it is past its budget, and nobody restarts it. */
  readonly onDown?: (id: string, cause: Error) => void;
  /** Called after each change, for health and readiness. */
  readonly onChange?: (status: readonly ChildStatus[]) => void;
}

export class Reports {
  readonly #onlookers: Onlookers;
  readonly #log: Logger;
  /** The status that was told last. */
  #told = '';

  constructor(onlookers: Onlookers, log: Logger) {
    this.#onlookers = onlookers;
    this.#log = log;
  }

  down(id: string, cause: Error): void {
    this.#log.error({ child: id, err: cause }, 'child is down: past its restart budget');
    this.call(() => this.#onlookers.onDown?.(id, cause));
  }

  /** Tells of the status that `look` gives, if it is another than last time. */
  changed(look: () => readonly ChildStatus[]): void {
    const { onChange } = this.#onlookers;
    if (onChange === undefined) return;
    const status = look();
    const text = JSON.stringify(status);
    if (text === this.#told) return;
    this.#told = text;
    this.call(() => onChange(status));
  }

  /** Calls somebody else's code. */
  call(listener: () => void): void {
    try {
      listener();
    } catch (thrown) {
      // Whoever looks on must not be able to bring down what it looks at.
      this.#log.error({ err: thrown }, 'a listener of the supervisor failed');
    }
  }
}
