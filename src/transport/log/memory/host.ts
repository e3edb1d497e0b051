/**
 * The host of a simulated worker: its line to the shared storage and back.
 *
 * Owns when a request arrives and when an answer is heard. A crashed host sends and hears nothing any more, though what
 * it had sent may still arrive; a frozen one does both late. Requests of one channel arrive in the order they were sent, whatever their delays are.
 */
import type { Clock } from '../../../ports/index.ts';

interface Request {
  due: boolean;
  readonly arrive: () => void;
}

export class Host {
  readonly #clock: Clock;
  readonly #line: Pick<Clock, 'after'>;
  readonly #worker: Clock;
  readonly #inbox: Array<() => void> = [];
  readonly #channels = new Map<string, Request[]>();
  #frozen = false;
  #crashed = false;

  /** Requests travel on `line`, or on `clock` where that takes no time; answers are heard on the worker's own. */
  constructor({
    clock,
    line,
    worker,
  }: { readonly clock: Clock; readonly line: Pick<Clock, 'after'>; readonly worker: Clock }) {
    this.#clock = clock;
    this.#line = line;
    this.#worker = worker;
  }

  get crashed(): boolean {
    return this.#crashed;
  }

  /** Sends a request to the storage; `arrive` runs there, in a later macrotask, unless the host crashes before. */
  send(channel: string, delayMs: number, arrive: () => void): void {
    if (this.#crashed) return;
    const requests = this.#channels.get(channel) ?? [];
    this.#channels.set(channel, requests);
    const request: Request = { due: false, arrive };
    requests.push(request);
    const fall = (): void => {
      request.due = true;
      this.#pump(requests);
    };
    if (delayMs > 0) this.#line.after(delayMs, fall);
    else this.#clock.soon(fall);
  }

  /** Runs `hear` on the worker in a later macrotask, in the order of the calls. */
  deliver(hear: () => void): void {
    if (this.#crashed) return;
    this.#inbox.push(hear);
    this.#worker.soon(() => this.#hearOne());
  }

  /** With `landed` requests that have left already still arrive, as packets on their way do; nobody hears an answer. */
  crash(landed: boolean): void {
    this.#crashed = true;
    this.#inbox.length = 0;
    if (!landed) for (const requests of this.#channels.values()) requests.length = 0;
    // What stood still with its host is on its way now.
    if (this.#frozen) this.thaw();
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    for (const _ of this.#inbox) this.#worker.soon(() => this.#hearOne());
    for (const requests of this.#channels.values()) {
      if (requests.length > 0) this.#clock.soon(() => this.#pump(requests));
    }
  }

  #hearOne(): void {
    if (this.#crashed || this.#frozen) return;
    this.#inbox.shift()?.();
  }

  #pump(requests: Request[]): void {
    while (!this.#frozen && requests[0]?.due) requests.shift()?.arrive();
  }
}
