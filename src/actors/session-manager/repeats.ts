/**
 * When what nobody has acknowledged is sent again: after a pause that doubles with each repeat, up to a longest one, so
 * that a peer that is away costs next to nothing; and at once when it is heard again.
 *
 * Owns the pauses. What is sent, and when there is nothing to wait for any more, the outbox says.
 */
import type { Clock, Identity, Random } from '../../ports/index.ts';
import { type BackoffSettings, backoffMs } from '../../supervisors/index.ts';
import type { Alarm, ShardTimers } from '../shard/index.ts';

/** One direction of a session whose oldest message waits for its acknowledgement. What is written here is `Repeats`' own. */
export interface Waiting {
  readonly peer: Identity;
  /** Repeats since the peer was heard last. */
  repeats: number;
  /** How long the next repeat waits; undefined until it was drawn. */
  pauseMs: number | undefined;
  alarm: Alarm | undefined;
}

export interface RepeatsSetup<Line> {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Pick<ShardTimers, 'at' | 'cancel'>;
  /** The first pause, the longest one, and how far they spread. */
  readonly pauses: BackoffSettings;
  /** A pause is over, or a message has expired. */
  readonly repeat: (line: Line) => void;
}

interface SilentPeer<Line> {
  /** When it was heard, or the first repeat went there. */
  since: number;
  readonly lines: Set<Line>;
}

export class Repeats<Line extends Waiting> {
  readonly #setup: RepeatsSetup<Line>;
  /** Peers to whom something was sent again, and which lines wait for them. */
  readonly #silent = new Map<string, SilentPeer<Line>>();

  constructor(setup: RepeatsSetup<Line>) {
    this.#setup = setup;
  }

  /** The oldest message of a line left at `sentAt`, and expires at `expires`: `repeat` is called in time. */
  await(line: Line, sentAt: number, expires: number): void {
    line.alarm ??= this.#setup.timers.at(Math.min(sentAt + this.#pauseOf(line), expires), () => {
      line.alarm = undefined;
      this.#setup.repeat(line);
    });
  }

  /** Whether what left at `sentAt` has waited for a whole pause. */
  isDue(line: Line, sentAt: number): boolean {
    return this.#setup.clock.now() >= sentAt + this.#pauseOf(line);
  }

  /** It is sent again: the next pause is longer. */
  repeated(line: Line): void {
    line.repeats += 1;
    line.pauseMs = undefined;
    const key = keyOf(line.peer);
    const peer = this.#silent.get(key) ?? { since: this.#setup.clock.now(), lines: new Set() };
    this.#silent.set(key, peer);
    peer.lines.add(line);
  }

  /** Nothing waits any more, or the peer has taken some of it: pauses begin anew. */
  over(line: Line): void {
    if (line.alarm !== undefined) this.#setup.timers.cancel(line.alarm);
    line.alarm = undefined;
    line.pauseMs = undefined;
    if (line.repeats === 0) return;
    line.repeats = 0;
    const key = keyOf(line.peer);
    const peer = this.#silent.get(key);
    peer?.lines.delete(line);
    if (peer?.lines.size === 0) this.#silent.delete(key);
  }

  /** A message came from a peer. When it had been silent for a first pause at least, all that waits for it goes at once. */
  heard(identity: Identity): void {
    if (this.#silent.size === 0) return;
    const peer = this.#silent.get(keyOf(identity));
    if (peer === undefined) return;
    const { clock, pauses, timers, repeat } = this.#setup;
    const now = clock.now();
    const silentMs = now - peer.since;
    peer.since = now;
    // Who says something now and then need not be sent again each time what it does not answer.
    if (silentMs < pauses.minMs) return;
    for (const line of [...peer.lines]) {
      this.over(line);
      line.pauseMs = 0;
      // By a timer: of any number of lines others have their turns in between (W5).
      line.alarm = timers.at(now, () => {
        line.alarm = undefined;
        repeat(line);
      });
    }
  }

  #pauseOf(line: Line): number {
    line.pauseMs ??= backoffMs(this.#setup.pauses, line.repeats + 1, this.#setup.random);
    return line.pauseMs;
  }
}

function keyOf({ name, group }: Identity): string {
  return `${name}\n${group}`;
}
