/** How far a feed has come in the changes that this worker knows, and what that is worth at another one. */
import type { FeedPosition } from './feed-position.ts';
import { positionText } from './feed-position.ts';
import type { FlowIndex } from './flow-index.ts';
import type { IndexedFlow } from './indexed-flow.ts';
import type { FeedCursor } from './protocol.ts';

export interface FeedPlaceParts {
  readonly index: FlowIndex;
  readonly partitions: number;
  /** Number of the last change that was looked at. */
  readonly number: number;
  /** Changes up to this number were there when the feed began. */
  readonly until: number;
  /** Where it was resumed: of the changes up to `until` only what is newer is told. */
  readonly since: FeedPosition | undefined;
  /** See `FeedPosition`. */
  readonly at: number;
  readonly commits: ReadonlyMap<number, number>;
}

/** Clocks of hosts differ: what was written so shortly before a position may not have been known where it was given. */
const skewMs = 1_000;

export class FeedPlace implements FeedCursor {
  readonly parts: FeedPlaceParts;

  constructor(parts: FeedPlaceParts) {
    this.parts = parts;
  }

  /** Before everything that is there, or behind what a position stands for. */
  static before(index: FlowIndex, partitions: number, now: number, since?: FeedPosition): FeedPlace {
    const { at, commits } = since ?? { at: now, commits: new Map() };
    return new FeedPlace({ index, partitions, number: 0, until: index.lastChange, since, at, commits });
  }

  /** Behind everything that is there. */
  static behind(index: FlowIndex, partitions: number, now: number): FeedPlace {
    const { lastChange: number, commits } = index;
    const told = { number, until: number, at: now, commits: new Map(commits) };
    return new FeedPlace({ index, partitions, since: undefined, ...told });
  }

  get position(): string {
    return positionText(this.parts);
  }

  with(parts: Partial<FeedPlaceParts>): FeedPlace {
    return new FeedPlace({ ...this.parts, ...parts });
  }

  /** It was there when the feed began. */
  isOld({ changed }: IndexedFlow): boolean {
    return changed <= this.parts.until;
  }

  /**
   * Whoever resumed the feed has been told of this one. What was written after the position was given is told in any
   * case: a log that was made anew since counts its commits from 1 again.
   */
  wasTold(flow: IndexedFlow): boolean {
    const { since, index } = this.parts;
    if (since === undefined || !this.isOld(flow)) return false;
    const told = since.commits.get(index.partitionOf(flow.flowId)) ?? 0;
    return flow.commit < told && flow.record.updated < since.at - skewMs;
  }
}
