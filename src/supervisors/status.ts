/** What a supervisor reports of its children, and how a chain of waiting reads. */
export type ChildState = 'waiting' | 'starting' | 'ready' | 'backoff' | 'stopping' | 'down' | 'stopped';

export interface ChildStatus {
  readonly id: string;
  /**
   * `waiting` for what it needs, `starting` until it is ready, `ready`, `backoff` before a restart, `stopping` because
   * something it needs fell, `down` past its restart budget, `stopped` after an end that is not restarted.
   */
  readonly state: ChildState;
  /** Ids of the needed children that are not ready. */
  readonly waitsOn: readonly string[];
  /** Restarts since the supervisor started. */
  readonly restarts: number;
  /** Message of the last failure. */
  readonly lastFailure?: string;
}

/** One sentence for each child that waits: `rpc waits on flow-engine, which waits on log (down: disk full)`. */
export function describeWaiting(children: readonly ChildStatus[]): readonly string[] {
  const byId = new Map(children.map((child) => [child.id, child]));
  const chain = ({ waitsOn }: ChildStatus): string => {
    const links = waitsOn.map((id) => {
      const needed = byId.get(id);
      if (needed === undefined) return id;
      if (needed.waitsOn.length > 0) return `${id}, which ${chain(needed)}`;
      return needed.lastFailure === undefined
        ? `${id} (${needed.state})`
        : `${id} (${needed.state}: ${needed.lastFailure})`;
    });
    return `waits on ${links.join(' and ')}`;
  };
  return children.filter(({ waitsOn }) => waitsOn.length > 0).map((child) => `${child.id} ${chain(child)}`);
}
