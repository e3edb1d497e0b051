/** Follows flows from within the program: the feed of the RPC service as an async iterable, over its restarts. */
import type { FeedCursor, FeedPage, FeedQuery, FlowView } from '../actors/rpc/index.ts';
import { WeirError } from '../errors/index.ts';
import { type Clock, identityOf } from '../ports/index.ts';
import { type FlowName, type FlowQuery, rpcName } from './flow-query.ts';

/** One flow, by its name; or all flows that fit and may be read. */
export type WatchQuery = FlowName | Pick<FlowQuery, 'member' | 'status' | 'flow'>;

export interface WatchOptions {
  /**
   * A position that an earlier watch of the same query gave: only what has changed since is told, whatever worker of the
   * node is asked. `now`: only what changes from now on. Default: first all flows as they are.
   */
  readonly from?: string;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
}

/** Each carries the position from which another watch can go on. */
export type FlowChange =
  /** How a flow is now. Of several changes in short order only the last may be told. */
  | { readonly type: 'flow'; readonly flow: FlowView; readonly position: string }
  /** Everything that is known was told; also told from time to time while nothing changes. */
  | { readonly type: 'current'; readonly position: string }
  /** What was told before does not count: flows may have ended unseen. All flows as they are follow. */
  | { readonly type: 'reset'; readonly why: string; readonly position: string };

export interface WatchSetup {
  readonly clock: Clock;
  readonly ask: (query: FeedQuery, since: FeedCursor | string | undefined, waitMs: number) => Promise<FeedPage>;
}

const waitMs = 5 * 60_000;
const retryMs = 100;

/** A watch of one flow ends when the flow has. */
export async function* watchFlows(
  setup: WatchSetup,
  query: WatchQuery,
  { from, signal }: WatchOptions,
): AsyncGenerator<FlowChange, void, undefined> {
  const asked = feedQuery(query);
  let since: FeedCursor | string | undefined = from;
  const over = (): boolean => signal?.aborted === true;
  while (!over()) {
    const page = await pageOf(setup, asked, since);
    if (over()) return;
    const before = typeof since === 'object' ? since.position : (since ?? '');
    const { position } = page.cursor;
    since = page.cursor;
    if (page.reset !== undefined) yield { type: 'reset', why: page.reset, position };
    for (const [place, flow] of page.flows.entries()) {
      // Whoever leaves in the middle of a page has not seen the rest of it.
      yield { type: 'flow', flow, position: place === page.flows.length - 1 ? position : before };
    }
    if (page.ended) return;
    if (page.current) yield { type: 'current', position };
  }
}

async function pageOf(
  { ask, clock }: WatchSetup,
  query: FeedQuery,
  since: FeedCursor | string | undefined,
): Promise<FeedPage> {
  for (;;) {
    try {
      return await ask(query, since, waitMs);
    } catch (thrown) {
      // The service starts again; the next incarnation knows how far the cursor is.
      const restarts = WeirError.is(thrown, 'WEIR_NODE_NOT_READY') || WeirError.is(thrown, 'WEIR_ACTOR_DEAD');
      if (!restarts) throw thrown;
      await new Promise<void>((resolve) => clock.after(retryMs, resolve));
    }
  }
}

function feedQuery(query: WatchQuery): FeedQuery {
  if ('flowId' in query || 'clientRequestId' in query) return { name: rpcName(query) };
  const { member } = query;
  return { ...query, member: member === undefined ? undefined : identityOf(member) };
}
