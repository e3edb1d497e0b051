/**
 * How long the loop has missed its beats, counted in looks. Time is not asked: while the machine sleeps or the process is
 * stopped as a whole, the loop and who looks at it stand still together, and nobody is to blame.
 */
import type { BoardReader } from './board.ts';

export class MissedBeats {
  readonly #board: BoardReader;
  #seen: number;
  #missed = 0;

  constructor(board: BoardReader) {
    this.#board = board;
    this.#seen = board.beats;
  }

  /** Looks once; gives the looks in a row, this one included, that have seen no beat. */
  look(): number {
    const { beats, held } = this.#board;
    // A debugger may stop the loop on purpose.
    this.#missed = beats === this.#seen && !held ? this.#missed + 1 : 0;
    this.#seen = beats;
    return this.#missed;
  }
}
