/**
 * Who gets a turn, and when. In each phase of the loop there are at most `turnsPerPhase` turns, and together they run for
 * about `sliceMs`; then input, output and timers have their chance (AK10). Who is ready when a phase begins gets a token,
 * at most one; who becomes ready later takes the turns that are left, after them and in the order of arrival.
 */
import type { Clock, LoopProbe } from '../../ports/index.ts';
import type { NactNode } from './name-tree.ts';

/** What the governor knows of a cell. */
export interface Turnable {
  readonly path: string;
  readonly uid: number;
  /** Its place in nact's tree. */
  readonly node: NactNode;
  /** Waits in the ready list. */
  listed: boolean;
  /** Its TURN token is with nact. */
  tokenOut: boolean;
  /** False once the cell is dead: it needs no turn any more. */
  readonly alive: boolean;
  runTurn(): void;
  /** The token of a dead cell has come back: its node may go. */
  release(): void;
}

export interface GovernorSetup {
  readonly clock: Clock;
  readonly sliceMs: number;
  readonly turnsPerPhase: number;
  readonly give: (node: NactNode, cell: Turnable) => void;
  readonly probe?: LoopProbe | undefined;
}

/** Between two looks at the clock at most so many messages are handled. */
const longestStride = 8;
/** A look after this time or more finds slow handlers: the next look comes after one message. */
const slowMs = 0.2;

export class Governor {
  /** Number of the running phase. */
  phase = 0;
  /** The clock as last looked at; exact enough for stamps made within a turn. */
  now: number;
  readonly #setup: GovernorSetup;
  readonly #clock: Clock;
  readonly #probe: LoopProbe | undefined;
  #ready: Turnable[] = [];
  #head = 0;
  #inFlight = 0;
  /** Turns that this phase still has, beside the tokens that are out. */
  #left = 0;
  #scheduled = false;
  #sliceEnd = Number.NEGATIVE_INFINITY;
  #fresh = false;
  #inTurn = false;
  #stride = 1;
  #unchecked = 0;

  constructor(setup: GovernorSetup) {
    this.#setup = setup;
    this.#clock = setup.clock;
    this.#probe = setup.probe;
    this.now = setup.clock.monotonic();
  }

  /** The cell wants a turn. */
  ready(cell: Turnable): void {
    if (cell.listed) return;
    cell.listed = true;
    this.#ready.push(cell);
    if (this.#inFlight === 0 && !this.#inTurn) this.#schedule();
  }

  /** The time to stamp a message with. */
  stamp(): number {
    return this.#inTurn ? this.now : this.#clock.monotonic();
  }

  /** Whether the slice is used up. Asked before each message, so it looks at the clock only now and then. */
  spent(): boolean {
    this.#unchecked += 1;
    if (this.#unchecked < this.#stride) return false;
    this.#unchecked = 0;
    const now = this.#clock.monotonic();
    this.#stride = now - this.now < slowMs ? Math.min(longestStride, this.#stride * 2) : 1;
    this.now = now;
    return now >= this.#sliceEnd;
  }

  /** A token has come through nact: the cell's turn. */
  arrive(cell: Turnable): void {
    cell.tokenOut = false;
    this.#inFlight -= 1;
    try {
      if (!cell.alive) cell.release();
      else if (this.#open()) this.#run(cell);
      // The slice is over, yet the first turn of a phase always runs: so everyone gets on.
      else this.ready(cell);
      if (this.#inFlight === 0) this.#follow();
    } finally {
      if (this.#inFlight === 0 && this.#ready.length > this.#head) this.#schedule();
    }
  }

  /** A conversation of few actors would otherwise cost a phase for each message. */
  #follow(): void {
    while (this.#left > 0 && this.#ready.length > this.#head && this.#open()) {
      const cell = this.#take();
      this.#left -= 1;
      if (cell?.alive) this.#run(cell);
    }
  }

  #run(cell: Turnable): void {
    this.#inTurn = true;
    this.#stride = 1;
    this.#unchecked = 0;
    this.#probe?.enters(cell.uid);
    try {
      cell.runTurn();
    } finally {
      this.#inTurn = false;
      this.#probe?.enters(0);
    }
  }

  #open(): boolean {
    this.now = this.#clock.monotonic();
    if (this.#fresh) {
      this.#fresh = false;
      this.#sliceEnd = this.now + this.#setup.sliceMs;
      return true;
    }
    return this.now < this.#sliceEnd;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(this.#admit);
  }

  readonly #admit = (): void => {
    this.#scheduled = false;
    this.phase += 1;
    this.#fresh = true;
    const { turnsPerPhase, give } = this.#setup;
    while (this.#inFlight < turnsPerPhase) {
      const cell = this.#take();
      if (cell === undefined) break;
      if (!cell.alive) continue;
      cell.tokenOut = true;
      this.#inFlight += 1;
      give(cell.node, cell);
    }
    this.#left = turnsPerPhase - this.#inFlight;
    this.#compact();
  };

  #take(): Turnable | undefined {
    const cell = this.#ready[this.#head];
    if (cell === undefined) return undefined;
    this.#head += 1;
    cell.listed = false;
    return cell;
  }

  /** Forgets what was taken; copying only when half of the list is taken keeps it linear. */
  #compact(): void {
    if (this.#head === this.#ready.length) this.#ready = [];
    else if (this.#head * 2 > this.#ready.length) this.#ready = this.#ready.slice(this.#head);
    else return;
    this.#head = 0;
  }
}
