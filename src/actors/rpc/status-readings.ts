/** Statuses as they are read: the newest are decoded once for all clients who follow them. */
import type { StatusRecord } from '../../persistence/index.ts';
import type { FlowIndex } from './flow-index.ts';
import { viewOf } from './flow-view.ts';
import type { IndexedFlow } from './indexed-flow.ts';
import type { FlowView } from './protocol.ts';

export interface StatusReading {
  readonly record: StatusRecord;
  readonly view: () => FlowView;
}

/** So many are kept, and none that is larger. */
const most = 1_000;
const maxBytes = 16 * 1024;

export class StatusReadings {
  readonly #index: FlowIndex;
  /** By the number of the change. */
  readonly #kept = new Map<number, StatusReading>();

  constructor(index: FlowIndex) {
    this.#index = index;
  }

  of(flow: IndexedFlow): StatusReading {
    const known = this.#kept.get(flow.changed);
    if (known !== undefined) return known;
    const reading = readingOf(flow);
    // Whoever reads everything finds most of it changed long ago: nobody else looks at that now.
    const isNew = flow.changed > this.#index.lastChange - most;
    if (isNew && flow.size <= maxBytes) this.#keep(flow.changed, reading);
    return reading;
  }

  #keep(changed: number, reading: StatusReading): void {
    this.#kept.set(changed, reading);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= most) return;
      this.#kept.delete(oldest);
    }
  }
}

function readingOf({ flowId, record }: IndexedFlow): StatusReading {
  let view: FlowView | undefined;
  return {
    record,
    view: () => {
      view ??= viewOf(flowId, record);
      return view;
    },
  };
}
