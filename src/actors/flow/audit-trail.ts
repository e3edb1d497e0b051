/**
 * One chain of the audit: an entry for each act on the flows of a shard, in the commit that makes the act take effect,
 * each bound to the one before it by its hash. The chain survives takeovers; old entries leave from the front.
 *
 * Owns the chain's head, the anchor from which it can be verified, and the marks between them: places at which a later
 * anchor can stand, so that nothing has to be read again to forget the oldest entries.
 */
import { WeirError } from '../../errors/index.ts';
import {
  type AuditFacts,
  auditRecord,
  type ChainPoint,
  chainAnchor,
  chainPoint,
  chainStart,
  entryHash,
} from '../../persistence/index.ts';
import { ChangeSet, type ShardHost } from '../shard/index.ts';
import { anchorKey, entryKey } from './audit-keys.ts';

export interface AuditTrailSetup {
  readonly host: ShardHost;
  readonly topic: string;
  /** Number of the shard that the chain is of. */
  readonly chain: number;
  /** What its keys in the state begin with. Default: nothing. */
  readonly under?: string;
  /** Chains that rest in the same partition, for its anchor to tell. Default none. */
  readonly resting?: () => readonly number[];
  /** How long entries are kept at least, in milliseconds. */
  readonly windowMs: number;
}

/** Entries between two marks at most: so many leave in one commit, and whoever reads backwards meets an anchor. */
const markEvery = 500;
/** Entries stay longer than the window by at most this part of it. */
const marksOfWindow = 32;

/** `a/head`, `a/anchor` and `a/<number>`, for the marks. */
const auditKind = 'a';

export class AuditTrail {
  readonly #setup: AuditTrailSetup;
  readonly #host: ShardHost;
  readonly #stepMs: number;
  readonly #headKey: string;
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
    this.#headKey = this.#key('head');
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

  /** @param name of a key behind `a/` */
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
    // Whoever reads finds them by the newest anchor of their partition.
    if (this.#resting().length === 0) return;
    const changes = new ChangeSet();
    this.#publishAnchor(changes);
    this.#host.add(changes);
  }

  // --- the chain

  #append(facts: AuditFacts, changes: ChangeSet): void {
    const { topic, chain } = this.#setup;
    if (this.#head.number - this.#marked() >= markEvery) this.#mark(changes);
    const fresh = this.#head.number === this.#marked();
    // Also for whoever reads from the newest entry backwards: the anchor is never far.
    if (fresh) this.#publishAnchor(changes);
    const { number: last, hash: previous } = this.#head;
    const entry = { ...facts, number: last + 1, previous, hash: previous };
    entry.hash = entryHash(chain, entry);
    changes.publish(topic, entryKey(chain, entry.number), auditRecord.encode(entry), 'lazily');
    const head = { number: entry.number, hash: entry.hash, at: fresh ? facts.at : this.#head.at };
    this.#head = head;
    changes.putLast(this.#headKey, () => chainPoint.encode(head));
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
    changes.put(this.#key(number), chainPoint.encode(mark));
    this.#armExpiry();
  }

  #publishAnchor(changes: ChangeSet): void {
    const { topic, chain } = this.#setup;
    const anchor = chainAnchor.encode({ ...this.#anchor, resting: this.#resting() });
    changes.publish(topic, anchorKey(chain), anchor, 'lazily');
  }

  #resting(): readonly number[] {
    return this.#setup.resting?.() ?? [];
  }

  #key(name: string | number): string {
    return `${this.#setup.under ?? ''}${auditKind}/${name}`;
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
    const { topic, chain } = this.#setup;
    const changes = new ChangeSet();
    const first = this.#anchor.number + 1;
    this.#anchor = { ...mark, at: this.#host.clock.now() };
    changes.put(this.#key('anchor'), chainPoint.encode(this.#anchor));
    changes.remove(this.#key(mark.number));
    this.#publishAnchor(changes);
    for (let number = first; number <= mark.number; number++) {
      changes.publish(topic, entryKey(chain, number), null, 'lazily');
    }
    this.#host.add(changes);
  }
}
