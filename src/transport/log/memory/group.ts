/**
 * A group of workers that share the partitions of one sharded service.
 *
 * Owns who runs which partition: an even, sticky spread over the members. A partition that moves is first revoked
 * from its old owner, who has until a deadline to drain it, and only then assigned. All of it is a hint: what keeps
 * two owners apart is the claim.
 */
import type { Clock } from '../../../ports/index.ts';
import type { AssignmentListener } from '../port.ts';
import type { Host } from './host.ts';

export interface Member {
  readonly worker: string;
  readonly host: Host;
  readonly listener: AssignmentListener;
}

interface Slot {
  owner: Member | undefined;
  /** Where it goes once its owner has drained it. */
  next: Member | undefined;
  /** Its owner was told to give it up. */
  revoking: boolean;
}

export class Group {
  readonly partitions: number;
  readonly #clock: Clock;
  readonly #drainDeadlineMs: number;
  readonly #slots: Slot[];
  #members: Member[] = [];
  /** Under way: whose partitions are revoked, and what ends the wait. */
  readonly #revocations = new Set<readonly [Host, () => void]>();
  readonly #greeted = new WeakSet<Member>();
  #scheduled = false;

  constructor(setup: { clock: Clock; partitions: number; drainDeadlineMs: number }) {
    this.partitions = setup.partitions;
    this.#clock = setup.clock;
    this.#drainDeadlineMs = setup.drainDeadlineMs;
    this.#slots = Array.from({ length: setup.partitions }, () => ({
      owner: undefined,
      next: undefined,
      revoking: false,
    }));
  }

  /** The worker of each partition, in their order. */
  owners(): Array<string | undefined> {
    return this.#slots.map((slot) => slot.owner?.worker);
  }

  join(member: Member): void {
    this.#members.push(member);
    this.#rebalanceSoon();
  }

  /** Takes the member's partitions from it, waits until they are drained, and gives them to the others. */
  async leave(member: Member): Promise<void> {
    if (!this.#members.includes(member)) return;
    this.#members = this.#members.filter((other) => other !== member);
    await this.#revoke(member, this.#ownedBy(member));
    this.#rebalanceSoon();
  }

  /** Assigns the partition to its owner again, unless it is being taken from it. */
  lost(member: Member, partition: number): void {
    const slot = this.#slots[partition];
    if (slot?.owner === member && !slot.revoking) this.#assign(member, [partition]);
  }

  /** Forgets the worker on this host at once; with `reassign` its partitions go to the survivors. */
  drop(host: Host, reassign: boolean): void {
    this.#members = this.#members.filter((member) => member.host !== host);
    // Nobody waits for the dead to drain what they had.
    for (const [revoked, done] of this.#revocations) if (revoked === host) done();
    for (const slot of this.#slots) {
      if (slot.owner?.host === host) slot.owner = undefined;
      if (slot.next?.host === host) slot.next = undefined;
    }
    if (reassign) this.#rebalanceSoon();
  }

  /** Moves one partition; `rude` assigns it without a word to the old owner. */
  async move(partition: number, worker: string, rude: boolean): Promise<void> {
    const slot = this.#slots[partition];
    const target = this.#members.find((member) => member.worker === worker);
    if (slot === undefined || target === undefined) throw new Error(`no partition ${partition} or member ${worker}`);
    if (slot.owner === target) return;
    if (slot.owner !== undefined && !rude) await this.#revoke(slot.owner, [partition]);
    // A worker that left or died while the old owner drained is no place to go.
    if (!this.#members.includes(target)) return this.#rebalanceSoon();
    this.#assign(target, [partition]);
  }

  /** Joins and leaves of one turn are balanced once. */
  #rebalanceSoon(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.soon(() => {
      this.#scheduled = false;
      this.#rebalance();
    });
  }

  #rebalance(): void {
    const wanted = this.#spread();
    const gains = new Map<Member, number[]>();
    const losses = new Map<Member, number[]>();
    for (const [partition, slot] of this.#slots.entries()) {
      const target = wanted[partition];
      if (target === undefined || slot.owner === target || slot.next !== undefined) continue;
      if (slot.owner === undefined) push(gains, target, partition);
      else {
        slot.next = target;
        push(losses, slot.owner, partition);
      }
    }
    for (const member of this.#members) {
      // A member hears of its place in the group even when it is given nothing yet.
      if (!gains.has(member) && !this.#greeted.has(member)) this.#assign(member, []);
      this.#greeted.add(member);
    }
    for (const [member, partitions] of gains) this.#assign(member, partitions);
    for (const [member, partitions] of losses) void this.#handOver(member, partitions);
  }

  /** The wanted owner of each partition: as many as possible stay where they are. */
  #spread(): Array<Member | undefined> {
    const quota = new Map<Member, number>();
    const base = Math.floor(this.partitions / Math.max(1, this.#members.length));
    const extra = this.partitions % Math.max(1, this.#members.length);
    for (const [index, member] of this.#members.entries()) quota.set(member, base + (index < extra ? 1 : 0));
    const take = (member: Member | undefined): Member | undefined => {
      const left = member === undefined ? 0 : (quota.get(member) ?? 0);
      if (member === undefined || left === 0) return undefined;
      quota.set(member, left - 1);
      return member;
    };
    const kept = this.#slots.map((slot) => take(slot.next ?? slot.owner));
    return kept.map((member) => member ?? take(this.#members.find((other) => (quota.get(other) ?? 0) > 0)));
  }

  async #handOver(from: Member, partitions: number[]): Promise<void> {
    await this.#revoke(from, partitions);
    const gains = new Map<Member, number[]>();
    for (const partition of partitions) {
      const slot = this.#slots[partition];
      if (slot?.next !== undefined && this.#members.includes(slot.next)) push(gains, slot.next, partition);
      if (slot !== undefined) slot.next = undefined;
    }
    for (const [member, gained] of gains) this.#assign(member, gained);
    this.#rebalanceSoon();
  }

  /** Resolves when the owner has drained the partitions, or its deadline has passed. */
  async #revoke(from: Member, partitions: readonly number[]): Promise<void> {
    if (partitions.length === 0) return;
    for (const partition of partitions) this.#setRevoking(partition, true);
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#revocations.delete(revocation);
        deadline.cancel();
        resolve();
      };
      const deadline = this.#clock.after(this.#drainDeadlineMs, done);
      const revocation = [from.host, done] as const;
      this.#revocations.add(revocation);
      from.host.deliver(() => void from.listener.revoked(partitions).then(done, done));
    });
    for (const partition of partitions) {
      const slot = this.#slots[partition];
      if (slot?.owner === from) slot.owner = undefined;
      this.#setRevoking(partition, false);
    }
  }

  #setRevoking(partition: number, revoking: boolean): void {
    const slot = this.#slots[partition];
    if (slot !== undefined) slot.revoking = revoking;
  }

  #assign(member: Member, partitions: readonly number[]): void {
    for (const partition of partitions) {
      const slot = this.#slots[partition];
      if (slot !== undefined) slot.owner = member;
    }
    member.host.deliver(() => member.listener.assigned(partitions));
  }

  #ownedBy(member: Member): number[] {
    return [...this.#slots.keys()].filter((partition) => this.#slots[partition]?.owner === member);
  }
}

function push(lists: Map<Member, number[]>, member: Member, partition: number): void {
  const list = lists.get(member);
  if (list === undefined) lists.set(member, [partition]);
  else list.push(partition);
}
