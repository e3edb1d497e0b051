/**
 * A consumer group of the model, by the classic protocol: join, sync, heartbeat, leave, generations.
 *
 * Follows the classic part of Kafka's `GroupMetadataManager`. Answers are callbacks, because joins and syncs wait for
 * other members.
 */
import type { Clock, Timer } from '../../../../ports/index.ts';
import { type JoinAnswer, type JoinRequest, kafkaError } from '../wire.ts';
import type { ModelSettings } from './settings.ts';

type State = 'empty' | 'preparing' | 'completing' | 'stable';

export interface SyncAnswer {
  readonly error: number;
  readonly assignment: Uint8Array;
}

export interface SyncRequest {
  readonly memberId: string;
  readonly generation: number;
  readonly assignments: ReadonlyArray<{ readonly memberId: string; readonly assignment: Uint8Array }>;
}

interface Member {
  readonly id: string;
  metadata: Uint8Array;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  /** Has not been through a generation yet. */
  isNew: boolean;
  assignment: Uint8Array;
  joining: ((answer: JoinAnswer) => void) | undefined;
  syncing: ((answer: SyncAnswer) => void) | undefined;
  session: Timer | undefined;
}

const nothing: Uint8Array = new Uint8Array();
/** How long a new member waits for its first generation before it is dropped. */
const newMemberTimeoutMs = 5 * 60_000;

export class Group {
  readonly #clock: Clock;
  readonly #settings: ModelSettings;
  readonly #observe: (generation: number, members: number) => void;
  readonly #members = new Map<string, Member>();
  /** Members that were told their id and have not come back with it. */
  readonly #pending = new Map<string, Timer>();
  readonly #notSynced = new Set<string>();
  #state: State = 'empty';
  #initial = false;
  #memberAdded = false;
  #generation = 0;
  #leader: string | undefined;
  #joinTimer: Timer | undefined;
  #syncTimer: Timer | undefined;

  constructor(settings: ModelSettings, observe: (generation: number, members: number) => void) {
    this.#clock = settings.clock;
    this.#settings = settings;
    this.#observe = observe;
  }

  get generation(): number {
    return this.#generation;
  }

  get members(): readonly string[] {
    return [...this.#members.keys()];
  }

  /** A member without an id is given one, and asked to come back with it. */
  announce(request: JoinRequest, memberId: string, answer: (answer: JoinAnswer) => void): void {
    const expire = (): void => this.#dropPending(memberId);
    this.#pending.set(memberId, this.#clock.after(request.sessionTimeoutMs, expire));
    answer(failedJoin(kafkaError.memberIdRequired, memberId));
  }

  join(request: JoinRequest, answer: (answer: JoinAnswer) => void): void {
    const { memberId, metadata } = request;
    const member = this.#members.get(memberId);
    if (this.#pending.has(memberId)) this.#add(request, answer);
    else if (member === undefined || this.#state === 'empty') answer(failedJoin(kafkaError.unknownMember, memberId));
    // One that lost the answer to its join hears of the running generation again.
    else if (!this.#asksForAnother(member, metadata)) answer(this.#joined(member));
    else {
      member.metadata = metadata;
      member.sessionTimeoutMs = request.sessionTimeoutMs;
      member.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
      member.joining = answer;
      this.#rebalance();
    }
  }

  sync({ memberId, generation, assignments }: SyncRequest, answer: (answer: SyncAnswer) => void): void {
    const member = this.#members.get(memberId);
    const error = this.#invalid(member, generation);
    if (member === undefined || error !== kafkaError.none) answer({ error, assignment: nothing });
    else if (this.#state === 'preparing') answer({ error: kafkaError.rebalanceInProgress, assignment: nothing });
    else if (this.#state === 'stable') {
      this.#synced(member.id);
      answer({ error: kafkaError.none, assignment: member.assignment });
    } else {
      member.syncing = answer;
      this.#synced(member.id);
      if (this.#leader === member.id) this.#assign(assignments);
    }
  }

  heartbeat(memberId: string, generation: number): number {
    const member = this.#members.get(memberId);
    const error = this.#invalid(member, generation);
    if (member === undefined || error !== kafkaError.none) return error;
    this.#renew(member);
    return this.#state === 'preparing' ? kafkaError.rebalanceInProgress : kafkaError.none;
  }

  leave(memberId: string): number {
    const pending = this.#pending.get(memberId);
    const member = this.#members.get(memberId);
    if (pending === undefined && member === undefined) return kafkaError.unknownMember;
    pending?.cancel();
    this.#pending.delete(memberId);
    if (member !== undefined) this.#remove(member);
    if (this.#state === 'stable' || this.#state === 'completing') this.#rebalance();
    else if (this.#state === 'preparing') this.#completeJoinIfAll();
    return kafkaError.none;
  }

  /** A join that changes nothing asks for no new generation, unless it is the leader's. */
  #asksForAnother(member: Member, metadata: Uint8Array): boolean {
    if (this.#state === 'preparing' || (this.#state === 'stable' && this.#leader === member.id)) return true;
    return Buffer.compare(member.metadata, metadata) !== 0;
  }

  #assign(assignments: SyncRequest['assignments']): void {
    const given = new Map(assignments.map(({ memberId, assignment }) => [memberId, assignment]));
    for (const one of this.#members.values()) one.assignment = given.get(one.id) ?? nothing;
    this.#state = 'stable';
    this.#answerSyncs(kafkaError.none);
  }

  #add(request: JoinRequest, answer: (answer: JoinAnswer) => void): void {
    this.#pending.get(request.memberId)?.cancel();
    this.#pending.delete(request.memberId);
    const member: Member = {
      id: request.memberId,
      metadata: request.metadata,
      sessionTimeoutMs: request.sessionTimeoutMs,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      isNew: true,
      assignment: nothing,
      joining: answer,
      syncing: undefined,
      session: undefined,
    };
    if (this.#state === 'preparing' && this.#initial) this.#memberAdded = true;
    this.#members.set(member.id, member);
    this.#leader ??= member.id;
    this.#renew(member, newMemberTimeoutMs);
    this.#rebalance();
  }

  #invalid(member: Member | undefined, generation: number): number {
    if (member === undefined) return kafkaError.unknownMember;
    return generation === this.#generation ? kafkaError.none : kafkaError.illegalGeneration;
  }

  /** Asks everybody to join again, unless that is under way. */
  #rebalance(): void {
    if (this.#state === 'preparing') this.#completeJoinIfAll();
    else {
      if (this.#state === 'completing') this.#callOffSyncs();
      this.#stopSyncTimer();
      this.#initial = this.#state === 'empty';
      this.#state = 'preparing';
      if (this.#initial) {
        const delayMs = this.#settings.initialRebalanceDelayMs;
        this.#awaitFirstMembers(delayMs, Math.max(0, this.#rebalanceTimeoutMs() - delayMs));
      } else if (this.#allJoined()) this.#completeJoin();
      else this.#joinWithin(this.#rebalanceTimeoutMs(), () => this.#completeJoin());
    }
  }

  #callOffSyncs(): void {
    for (const member of this.#members.values()) member.assignment = nothing;
    this.#answerSyncs(kafkaError.rebalanceInProgress);
  }

  /** The first members wait for others; each that comes extends it. */
  #awaitFirstMembers(delayMs: number, leftMs: number): void {
    this.#joinWithin(delayMs, () => {
      if (!this.#memberAdded || leftMs === 0) return this.#completeJoin();
      this.#memberAdded = false;
      this.#awaitFirstMembers(Math.min(this.#settings.initialRebalanceDelayMs, leftMs), Math.max(0, leftMs - delayMs));
    });
  }

  #joinWithin(delayMs: number, run: () => void): void {
    this.#joinTimer?.cancel();
    this.#joinTimer = this.#clock.after(delayMs, run);
  }

  #allJoined(): boolean {
    return this.#pending.size === 0 && [...this.#members.values()].every(({ joining }) => joining !== undefined);
  }

  #completeJoinIfAll(): void {
    if (!this.#initial && this.#allJoined()) this.#completeJoin();
  }

  #completeJoin(): void {
    this.#joinTimer?.cancel();
    for (const member of [...this.#members.values()]) if (member.joining === undefined) this.#remove(member);
    this.#generation += 1;
    this.#initial = false;
    this.#notSynced.clear();
    this.#state = this.#members.size === 0 ? 'empty' : 'completing';
    this.#observe(this.#generation, this.#members.size);
    if (this.#state === 'empty') return;
    for (const member of this.#members.values()) {
      const answer = member.joining;
      member.joining = undefined;
      member.isNew = false;
      this.#notSynced.add(member.id);
      this.#renew(member);
      answer?.(this.#joined(member));
    }
    const generation = this.#generation;
    this.#syncTimer = this.#clock.after(this.#rebalanceTimeoutMs(), () => this.#dropNotSynced(generation));
  }

  #joined(member: Member): JoinAnswer {
    const leads = member.id === this.#leader;
    return {
      error: kafkaError.none,
      generation: this.#generation,
      memberId: member.id,
      leaderId: this.#leader ?? '',
      members: leads ? [...this.#members.values()].map(({ id, metadata }) => ({ memberId: id, metadata })) : [],
    };
  }

  #synced(memberId: string): void {
    this.#notSynced.delete(memberId);
    if (this.#notSynced.size === 0) this.#syncTimer?.cancel();
  }

  #answerSyncs(error: number): void {
    for (const member of this.#members.values()) {
      const answer = member.syncing;
      if (answer === undefined) continue;
      member.syncing = undefined;
      this.#renew(member);
      answer({ error, assignment: member.assignment });
    }
  }

  #stopSyncTimer(): void {
    this.#notSynced.clear();
    this.#syncTimer?.cancel();
  }

  #dropNotSynced(generation: number): void {
    if (generation !== this.#generation || (this.#state !== 'completing' && this.#state !== 'stable')) return;
    for (const id of [...this.#notSynced]) {
      const member = this.#members.get(id);
      if (member !== undefined) this.#remove(member);
    }
    this.#rebalance();
  }

  #renew(member: Member, timeoutMs = member.sessionTimeoutMs): void {
    member.session?.cancel();
    member.session = this.#clock.after(timeoutMs, () => this.#expire(member));
  }

  #expire(member: Member): void {
    const waits = member.joining !== undefined || member.syncing !== undefined;
    if (this.#members.get(member.id) !== member || (waits && !member.isNew)) return;
    this.#remove(member);
    if (this.#state === 'stable' || this.#state === 'completing') this.#rebalance();
    else if (this.#state === 'preparing' && this.#allJoined()) this.#completeJoin();
  }

  #dropPending(memberId: string): void {
    this.#pending.delete(memberId);
    if (this.#state === 'preparing' && this.#allJoined()) this.#completeJoin();
  }

  #remove(member: Member): void {
    member.session?.cancel();
    member.joining?.(failedJoin(kafkaError.unknownMember, ''));
    this.#members.delete(member.id);
    this.#notSynced.delete(member.id);
    if (this.#leader === member.id) this.#leader = this.#members.keys().next().value;
  }

  #rebalanceTimeoutMs(): number {
    return Math.max(0, ...[...this.#members.values()].map(({ rebalanceTimeoutMs }) => rebalanceTimeoutMs));
  }
}

export function failedJoin(error: number, memberId: string): JoinAnswer {
  return { error, generation: -1, memberId, leaderId: '', members: [] };
}
