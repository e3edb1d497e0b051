/** What a watch has told so far, for tests that wait for what it tells next. */
import { onTestFinished } from 'vitest';
import type { FlowChange, Node, WatchOptions, WatchQuery } from '../../../src/index.ts';

export interface Followed {
  readonly changes: readonly FlowChange[];
  /** `double COMPLETED` of each flow that was told, in order. */
  readonly flows: () => string[];
  /** Client request ids of the flows that were told, in order. */
  readonly requests: () => string[];
  /** Position of the last change. */
  readonly position: () => string;
  /** Resolves once a change fits, of those told already or later; rejects when the watch ends before. */
  told(fits: (change: FlowChange) => boolean): Promise<FlowChange>;
  /** Resolves the next time that everything is told. */
  current(): Promise<void>;
  /** Resolves when it has ended; rejects with what it has thrown. */
  readonly ended: Promise<void>;
  stop(): void;
}

export function follow(node: Node, query: WatchQuery = {}, options: WatchOptions = {}): Followed {
  const controller = new AbortController();
  const changes: FlowChange[] = [];
  const looking = new Set<() => void>();
  const ended = (async () => {
    for await (const change of node.watch(query, { ...options, signal: controller.signal })) {
      changes.push(change);
      for (const look of [...looking]) look();
    }
  })();
  ended.catch(() => undefined);
  const stop = (): void => controller.abort();
  onTestFinished(stop);
  const flowsOf = () => changes.flatMap((change) => (change.type === 'flow' ? [change.flow] : []));

  const toldFrom = (start: number, fits: (change: FlowChange) => boolean): Promise<FlowChange> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = changes.slice(start).find(fits);
        if (found === undefined) return;
        looking.delete(look);
        resolve(found);
      };
      looking.add(look);
      ended.then(() => reject(new Error('the watch has ended')), reject);
      look();
    });
  return {
    changes,
    ended,
    stop,
    flows: () => flowsOf().map(({ flow, status }) => `${flow} ${status}`),
    requests: () => flowsOf().map(({ clientRequestId }) => clientRequestId),
    position: () => changes.at(-1)?.position ?? '',
    told: (fits) => toldFrom(0, fits),
    current: async () => void (await toldFrom(changes.length, ({ type }) => type === 'current')),
  };
}

/** Fits the change by which a flow is told of in a status. */
export function flowIs(clientRequestId: string, status: string): (change: FlowChange) => boolean {
  return (change) =>
    change.type === 'flow' && change.flow.clientRequestId === clientRequestId && change.flow.status === status;
}
