/**
 * The audit of a shard: one entry for each act on its flows, in the commit that makes the act take effect. Entries form
 * a chain, each bound to the one before it by its hash, that survives takeovers; old ones leave from the front.
 *
 * Owns the chain's head, the anchor from which it can be verified, and the marks between them: places at which a later
 * anchor can stand, so that nothing has to be read again to forget the oldest entries.
 */
import { WeirError } from '../../errors/index.ts';
import {
  type AuditFacts,
  auditRecord,
  type ChainPoint,
  chainPoint,
  chainStart,
  entryHash,
} from '../../persistence/index.ts';
import { ChangeSet, type ShardHost } from '../shard/index.ts';
import { anchorKey, entryKey } from './audit-keys.ts';

export interface AuditTrailSetup {
  readonly host: ShardHost;
  readonly topic: string;
  /** How long entries are kept at least, in milliseconds. */
  readonly windowMs: number;
}

/** Entries between two marks at most: so many leave in one commit, and whoever reads backwards meets an anchor. */
const markEvery = 500;
/** Entries stay longer than the window by at most this part of it. */
const marksOfWindow = 32;

/** `a/head`, `a/anchor` and `a/<number>`, for the marks. */
const auditKind = 'a';
const headKey = `${auditKind}/head`;
const anchorStateKey = `${auditKind}/anchor`;

export class AuditTrail {
  readonly #setup: AuditTrailSetup;
  readonly #host: ShardHost;
  readonly #stepMs: number;
  /** The newest entry; `at` is when the oldest entry behind the newest mark was made. */
  #head: ChainPoint = chainStart;
  #anchor: ChainPoint = chainStart;
  /** Oldest first; all entries up to a mark are older than its `at`. */
  readonly #marks: ChainPoint[] = [];
  #markArmed = false;
  #expiryArmed = false;

  constructor(setup: AuditTrailSetup) {
    this.#setup = setup;
    this.#host = setup.host;
    this.#stepMs = Math.max(1, Math.ceil(setup.windowMs / marksOfWindow));
  }

  /** The newest entry. */
  get head(): ChainPoint {
    return this.#head;
  }

  /** How many entries there are. */
  get entries(): number {
    return this.#head.number - this.#anchor.number;
  }

  /** Adds an entry to what a change set commits; its place in the chain is given when the set joins its batch. */
  enter(facts: AuditFacts, changes: ChangeSet): void {
    changes.onJoin((joining) => this.#append(facts, joining));
  }

  // --- restore

  restore(name: string, bytes: Uint8Array): void {
    const point = chainPoint.decode(bytes);
    if (name === 'head') this.#head = point;
    else if (name === 'anchor') this.#anchor = point;
    else if (/^\d+$/.test(name)) this.#marks.push(point);
    else throw new WeirError('WEIR_RECORD_UNREADABLE', { what: `${auditKind}/${name}`, why: 'no such key is known' });
  }

  restored(): void {
    this.#marks.sort((a, b) => a.number - b.number);
    this.#armMark();
    this.#armExpiry();
  }

  // --- the chain

  #append(facts: AuditFacts, changes: ChangeSet): void {
    const { partition } = this.#host;
    const marked = this.#marked();
    if (this.#head.number - marked >= markEvery) this.#mark(changes);
    const fresh = this.#head.number === this.#marked();
    // Also for whoever reads from the newest entry backwards: the anchor is never far.
    if (fresh) this.#publishAnchor(changes);
    const { number: last, hash: previous } = this.#head;
    const entry = { ...facts, number: last + 1, previous };
    const hash = entryHash(partition, entry);
    changes.publish(this.#setup.topic, entryKey(partition, entry.number), auditRecord.encode({ ...entry, hash }));
    this.#head = { number: entry.number, hash, at: fresh ? facts.at : this.#head.at };
    changes.put(headKey, chainPoint.encode(this.#head));
    if (fresh) this.#armMark();
  }

  /** Number up to which a mark, or the anchor, stands already. */
  #marked(): number {
    return this.#marks.at(-1)?.number ?? this.#anchor.number;
  }

  #mark(changes: ChangeSet): void {
    const { number, hash } = this.#head;
    const mark = { number, hash, at: this.#host.clock.now() };
    this.#marks.push(mark);
    changes.put(`${auditKind}/${number}`, chainPoint.encode(mark));
    this.#armExpiry();
  }

  #publishAnchor(changes: ChangeSet): void {
    changes.publish(this.#setup.topic, anchorKey(this.#host.partition), chainPoint.encode(this.#anchor));
  }

  // --- retention

  /** The newest entries get a mark too, when they have been without one for a while: else the last would stay for ever. */
  #armMark(): void {
    if (this.#markArmed || this.#head.number === this.#marked()) return;
    this.#markArmed = true;
    const { timers } = this.#host;
    const ring = (): void => {
      this.#markArmed = false;
      // A mark that was made meanwhile has put it off.
      if (this.#host.clock.now() >= this.#head.at + this.#stepMs) {
        const changes = new ChangeSet();
        changes.onJoin((joining) => this.#mark(joining));
        this.#host.add(changes);
      }
      this.#armMark();
    };
    timers.at(this.#head.at + this.#stepMs, ring);
  }

  #armExpiry(): void {
    const [oldest] = this.#marks;
    if (oldest === undefined || this.#expiryArmed) return;
    this.#expiryArmed = true;
    this.#host.timers.at(oldest.at + this.#setup.windowMs, () => {
      this.#expiryArmed = false;
      this.#expire();
      this.#armExpiry();
    });
  }

  /** The entries up to the oldest mark leave; the chain can be verified from there. */
  #expire(): void {
    const mark = this.#marks.shift();
    if (mark === undefined) return;
    const { partition, clock } = this.#host;
    const changes = new ChangeSet();
    const first = this.#anchor.number + 1;
    this.#anchor = { ...mark, at: clock.now() };
    changes.put(anchorStateKey, chainPoint.encode(this.#anchor));
    changes.remove(`${auditKind}/${mark.number}`);
    this.#publishAnchor(changes);
    for (let number = first; number <= mark.number; number++) {
      changes.publish(this.#setup.topic, entryKey(partition, number), null);
    }
    this.#host.add(changes);
  }
}
