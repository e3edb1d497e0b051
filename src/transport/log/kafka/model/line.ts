/**
 * The line between a client and the brokers: what is on its way arrives, comes late or is lost.
 *
 * Owns the states of the client's host and network. A crashed host sends and hears nothing any more; a frozen one does
 * both late; what a cut line carries is lost, or arrives once it is whole again.
 */
import type { Clock } from '../../../../ports/index.ts';

export class Line {
  readonly #clock: Clock;
  readonly #held: Array<() => void> = [];
  readonly #late: Array<() => void> = [];
  #crashed: 'no' | 'silenced' | 'draining' = 'no';
  #frozen = false;
  #cut: 'no' | 'lost' | 'late' = 'no';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get crashed(): boolean {
    return this.#crashed !== 'no';
  }

  /** Runs `arrive` at the brokers in a later macrotask; `lost` when the line is cut by then. */
  send(delayMs: number, arrive: () => void, lost: () => void): void {
    if (this.crashed) return;
    const reach = (): void => {
      if (this.#crashed === 'silenced') return;
      if (this.#frozen) this.#held.push(reach);
      else if (this.#cut === 'no') arrive();
      else {
        if (this.#cut === 'late') this.#late.push(arrive);
        lost();
      }
    };
    this.#later(delayMs, reach);
  }

  /** Runs `hear` at the client in a later macrotask; `lost` when the line is cut by then. */
  answer(delayMs: number, hear: () => void, lost: () => void): void {
    this.#later(delayMs, () => this.hear(this.#cut === 'no' ? hear : lost));
  }

  /** Runs `hear` at the client, if it is alive, as soon as it is awake. */
  hear(hear: () => void): void {
    if (this.crashed) return;
    if (this.#frozen) this.#held.push(hear);
    else hear();
  }

  /** With `draining` what is on its way to the brokers still arrives. */
  crash(draining: boolean): void {
    this.#crashed = draining ? 'draining' : 'silenced';
    this.#held.length = 0;
    if (!draining) this.#late.length = 0;
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    for (const run of this.#held.splice(0)) this.#clock.soon(run);
  }

  cut(late: boolean): void {
    this.#cut = late ? 'late' : 'lost';
  }

  heal(): void {
    this.#cut = 'no';
    for (const arrive of this.#late.splice(0)) this.#clock.soon(arrive);
  }

  #later(delayMs: number, run: () => void): void {
    if (delayMs > 0) this.#clock.after(delayMs, run);
    else this.#clock.soon(run);
  }
}
