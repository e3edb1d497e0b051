/**
 * Sessions that are silent for too long fail on both sides (SM13): each end finds out by itself, and tells the other.
 * When a session was heard of last stands in its record, so the time goes on over restarts; a look through all of them
 * when the first may be due costs nothing for each flow that waits.
 */
import type { SessionRecord } from '../../persistence/index.ts';
import { inWords } from '../../ports/index.ts';
import { type Alarm, ChangeSet, type ShardHost } from '../shard/index.ts';
import type { FlowEngine } from './engine.ts';
import type { FlowInstance } from './instance.ts';
import { failSession, isHeard } from './session-record.ts';
import type { FlowSessions } from './sessions.ts';

export interface SessionExpirySetup {
  readonly host: ShardHost;
  readonly engine: FlowEngine;
  readonly sessions: FlowSessions;
  /** Unfinished flows. */
  readonly flows: () => Iterable<FlowInstance>;
  /** How long a session may be silent, where its protocol does not say it, in milliseconds. */
  readonly idleMs: number;
}

/** Flows whose sessions one look ends; the next one follows soon. */
const expireAtOnce = 500;
const soonMs = 10;
/** A session may be silent for this much longer: so often, in its time, all are looked through at most. */
const slack = 1 / 100;

export class SessionExpiry {
  readonly #setup: SessionExpirySetup;
  #alarm: Alarm | undefined;

  constructor(setup: SessionExpirySetup) {
    this.#setup = setup;
  }

  /** Everything is read. */
  restored(): void {
    const now = this.#setup.host.clock.now();
    for (const flow of this.#setup.flows()) {
      for (const session of flow.head.sessions) {
        if (session.active !== 0) continue;
        // Written by a version that did not keep it: its time begins now.
        session.active = now;
        flow.dirty = true;
      }
    }
    this.#look();
  }

  /** A flow has run on, and may have another session. */
  watch(flow: FlowInstance): void {
    const { sessions } = flow.head;
    if (sessions.length === 0) return;
    const now = this.#setup.host.clock.now();
    for (const session of sessions) this.#arm(now + this.#idleOf(session));
  }

  #look(): void {
    const { host, flows } = this.#setup;
    const now = host.clock.now();
    const over: FlowInstance[] = [];
    let next = Number.POSITIVE_INFINITY;
    let shortest = Number.POSITIVE_INFINITY;
    for (const flow of flows()) {
      for (const session of flow.head.sessions) {
        if (!mayExpire(session)) continue;
        const idle = this.#idleOf(session);
        shortest = Math.min(shortest, idle);
        if (session.active + idle > now) next = Math.min(next, session.active + idle);
        else if (over.at(-1) !== flow) over.push(flow);
      }
    }
    for (const flow of over.slice(0, expireAtOnce)) this.#expire(flow, now);
    if (over.length > expireAtOnce) this.#arm(now + soonMs);
    else if (next < Number.POSITIVE_INFINITY) this.#arm(Math.max(next, now + shortest * slack));
  }

  #expire(flow: FlowInstance, now: number): void {
    const { host, engine, sessions } = this.#setup;
    const changes = new ChangeSet();
    for (const session of flow.head.sessions) {
      const idle = this.#idleOf(session);
      if (!mayExpire(session) || session.active + idle > now) continue;
      const reason = `nothing was said for ${inWords(idle)}`;
      sessions.expire(flow, session, reason, changes);
      failSession(session, 'expired', reason);
    }
    engine.absorb(flow, changes);
    host.add(changes);
  }

  #arm(due: number): void {
    const { timers } = this.#setup.host;
    if (this.#alarm !== undefined) {
      if (this.#alarm.due <= due) return;
      timers.cancel(this.#alarm);
    }
    this.#alarm = timers.at(due, () => {
      this.#alarm = undefined;
      this.#look();
    });
  }

  #idleOf({ idle }: SessionRecord): number {
    return idle === 0 ? this.#setup.idleMs : idle;
  }
}

/** Whether anything is waited for: the peer knows of the session and has not ended it. */
function mayExpire(session: SessionRecord): boolean {
  return session.peer === 'open' && isHeard(session);
}
