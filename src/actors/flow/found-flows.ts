/**
 * The flows of a shard while it is restored. Their records gather here as they come; when all of them are there, each
 * flow becomes what it is. Owns only the gathering: what a record says is for whoever takes the flow.
 */

/** The records of a flow, as bytes. */
export interface FoundFlow {
  readonly id: string;
  readonly head: Uint8Array;
  /** Of any visit; empty for most. */
  journal: FoundPart[];
  unread: FoundPart[];
  /** Signals that it was given: hash of the id, and what was given. */
  signals: FoundPart[];
}

/** A record that belongs to a flow. */
export interface FoundPart {
  /** What stands behind the flow in its key. */
  readonly place: string;
  readonly value: Uint8Array;
}

const none: FoundPart[] = [];

export class FoundFlows {
  readonly #flows = new Map<string, FoundFlow>();

  head(id: string, head: Uint8Array): void {
    this.#flows.set(id, { id, head, journal: none, unread: none, signals: none });
  }

  /** A record whose flow has no head is dropped: heads come first. */
  part(of: 'journal' | 'unread' | 'signals', id: string, place: string, value: Uint8Array): void {
    const flow = this.#flows.get(id);
    if (flow === undefined) return;
    if (flow[of] === none) flow[of] = [{ place, value }];
    else flow[of].push({ place, value });
  }

  /** Gives the flows out, in the order in which their heads came. */
  *take(): Generator<FoundFlow> {
    for (const [id, flow] of this.#flows) {
      this.#flows.delete(id);
      yield flow;
    }
  }
}
