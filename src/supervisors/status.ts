/** What a supervisor reports of its children, and how a chain of waiting reads. */
export type ChildState = 'waiting' | 'starting' | 'ready' | 'backoff' | 'stopping' | 'down' | 'stopped';

export interface ChildStatus {
  readonly id: string;
  /**
   * `waiting` for what it needs or for those before it, `starting` until it is ready, `ready`, `backoff` before a restart,
   * `stopping` because it was told to end or something under it fell, `down` past its restart budget, `stopped` after an
   * end that is not followed by a restart.
   */
  readonly state: ChildState;
  /** Ids of the children that must be ready, or gone, before it can start. */
  readonly waitsOn: readonly string[];
  /** Restarts after failures of its own, since the supervisor started; those together with a sibling do not count. */
  readonly restarts: number;
  /** Message of the last failure. */
  readonly lastFailure?: string;
  /** What it uses and has to do without at present. */
  readonly lacks?: readonly string[];
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
