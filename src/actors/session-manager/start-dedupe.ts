/**
 * Start dedupe: which flow a routing key belongs to, for as long as its head is kept. One client request id, or one
 * session, starts one flow, however often it is asked for (SM1, SM3). Unfinished flows are known to whoever holds them;
 * this owns what is remembered of those that have ended, and for how long.
 */
export interface KnownStart {
  readonly flowId: string;
  /** What was asked for: flow and hash of the input; a second request with another print is a conflict (SM2). */
  readonly print: string;
}

/** What a start asks for, in short. */
export function printOf(flow: string, inputHash: string): string {
  return `${flow}:${inputHash}`;
}

interface Finished extends KnownStart {
  readonly at: number;
  readonly routingKey: string;
}

export class StartDedupe {
  readonly #flows = new Map<string, Finished>();
  /** Oldest first. */
  #finished: Finished[] = [];
  #head = 0;

  get size(): number {
    return this.#flows.size;
  }

  find(routingKey: string): KnownStart | undefined {
    return this.#flows.get(routingKey);
  }

  /** From here on the window of the request id runs. */
  finished(routingKey: string, flowId: string, print: string, at: number): void {
    const finished = { at, routingKey, flowId, print };
    this.#flows.set(routingKey, finished);
    this.#finished.push(finished);
  }

  /** After restore: the finished ones came in the order of their keys. */
  sort(): void {
    this.#finished.sort((a, b) => a.at - b.at);
  }

  /** When the oldest finished flow leaves, `windowMs` after its end; undefined when none is finished. */
  nextExpiry(windowMs: number): number | undefined {
    const oldest = this.#finished[this.#head];
    return oldest === undefined ? undefined : oldest.at + windowMs;
  }

  /** Forgets flows that ended at or before `until`, at most `max` of them; answers their ids. */
  expire(until: number, max: number): string[] {
    const gone: string[] = [];
    for (let oldest = this.#finished[this.#head]; oldest !== undefined; oldest = this.#finished[this.#head]) {
      if (oldest.at > until || gone.length >= max) break;
      this.#head++;
      gone.push(oldest.flowId);
      if (this.#flows.get(oldest.routingKey) === oldest) this.#flows.delete(oldest.routingKey);
    }
    if (this.#head > 1_024 && this.#head * 2 > this.#finished.length) {
      this.#finished = this.#finished.slice(this.#head);
      this.#head = 0;
    }
    return gone;
  }
}
