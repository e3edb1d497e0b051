/**
 * One worker's place in the group that shares the partitions of a sharded service, by Kafka's group protocol.
 *
 * Owns the rounds of join, sync and heartbeat, and what the worker is told: partitions that stay are never touched by a
 * rebalance; those that go are read ahead by whoever is to have them, then drained, and taken as soon as the log says that
 * they are free, or the group does. All of it is a hint: what keeps two owners apart is the claim.
 */
import type { Clock, Logger } from '../../../ports/index.ts';
import type { AssignmentListener, Membership } from '../port.ts';
import {
  type Assignment,
  assign,
  decodeAssignment,
  decodeMember,
  encodeAssignment,
  encodeMember,
} from './assignment.ts';
import type { Attempt, Patience } from './patience.ts';
import type { ReadAhead } from './read-ahead.ts';
import { nameOf } from './refusals.ts';
import { type JoinAnswer, type KafkaWire, kafkaError } from './wire.ts';

export interface GroupSettings {
  /** A member that is not heard of for so long is dropped. Default 10 000. */
  readonly sessionTimeoutMs: number;
  /** Between two heartbeats; a rebalance is heard of with the next one. Default 500. */
  readonly heartbeatMs: number;
  /** How long a rebalance waits for members to join again. Default 10 000. */
  readonly rebalanceTimeoutMs: number;
  /** How long an owner may drain a partition that is taken from it. Default 10 000. */
  readonly drainDeadlineMs: number;
  /** How long a partition that is to move may be read ahead, while its owner goes on running it. Default 8 000. */
  readonly readAheadMs: number;
}

export const defaultGroupSettings: GroupSettings = {
  sessionTimeoutMs: 10_000,
  heartbeatMs: 500,
  rebalanceTimeoutMs: 10_000,
  drainDeadlineMs: 10_000,
  readAheadMs: 8_000,
};

export interface GroupMemberSetup {
  readonly wire: KafkaWire;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly patience: Patience;
  readonly settings: GroupSettings;
  /** Name of the group, with the prefix. */
  readonly group: string;
  readonly partitions: number;
  readonly worker: string;
  readonly about: Readonly<Record<string, string | number>>;
  readonly listener: AssignmentListener;
  /** Reads what is to come. Absent: what moves is taken unread. */
  readonly readAhead: ReadAhead | undefined;
  /** The id that the brokers know this member by: whoever sees the worker die can leave the group for it. */
  readonly onMemberId: (memberId: string) => void;
  /** The brokers dropped this member, and others may run by now what it thinks it runs. */
  readonly onExpelled: () => void;
  readonly onLeft: (member: GroupMember) => void;
  /** The group has given out its partitions anew. */
  readonly onRebalance: () => void;
  /** It begins without taking part: see `rest`. */
  readonly resting: boolean;
}

/** A coordinator changes within this time as a rule. */
const unreachedMs = 1_000;

export class GroupMember implements Membership {
  readonly #setup: GroupMemberSetup;
  #memberId = '';
  #generation = -1;
  /** What the last generation gives to this member. */
  #granted: ReadonlySet<number> = new Set();
  /** What the listener was told to run, and not to give up; in the order in which it was told. */
  readonly #running = new Set<number>();
  readonly #draining = new Set<number>();
  /** What is to run here once its owner lets go. */
  #coming: ReadonlySet<number> = new Set();
  /** What of it runs here already, since the log said that its owner has let go: the group may hear of that later. */
  readonly #early = new Set<number>();
  /** What of it has been read ahead, as far as that is worth waiting for. */
  readonly #ahead = new Set<number>();
  readonly #pulls = new Map<number, number>();
  #greeted = false;
  #resting: boolean;
  #leaving: Promise<void> | undefined;
  #left = false;
  /** What this member says of itself has changed: it joins again. */
  #changed = false;
  #wake: () => void = () => undefined;
  /** Whoever waits until nothing runs here. */
  #idle: () => void = () => undefined;
  /** Since when no request to the group has been answered. */
  #unheardSince: number | undefined;
  /** Whoever waits for the group to give everything to others, while it cannot be reached. */
  #alone: () => void = () => undefined;

  constructor(setup: GroupMemberSetup) {
    this.#setup = setup;
    this.#resting = setup.resting;
  }

  start(): void {
    this.#run().catch((error: unknown) => {
      if (!this.#left) this.#setup.logger.error({ group: this.#setup.group, error }, 'lost the group');
    });
  }

  /** Asks the group for a partition; its owner drains it first. */
  pull(partition: number): void {
    this.#pulls.set(partition, this.#setup.clock.now());
    this.#rejoin();
  }

  /** A member that rests is given nothing, and what it runs moves to others. */
  rest(resting: boolean): void {
    if (this.#resting === resting) return;
    this.#resting = resting;
    this.#rejoin();
  }

  /** The group hears that it does not run here, and says who is to run it: this worker again, or who took it. */
  lost(partition: number): void {
    if (!this.#running.delete(partition)) return;
    this.#early.delete(partition);
    this.#rejoin();
    this.#idle();
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  /** Leaves without draining; for a log that closes. */
  async abandon(): Promise<void> {
    if (this.#left) return;
    this.#left = true;
    this.#wake();
    this.#setup.readAhead?.close();
    this.#setup.onLeft(this);
    if (this.#memberId === '') return;
    // One attempt: when nobody hears it, the session runs out.
    await this.#setup.wire.leaveGroup(this.#setup.group, this.#memberId).catch(() => undefined);
  }

  async #leave(): Promise<void> {
    this.rest(true);
    await this.#handedOver();
    await this.#drain([...this.#running]);
    await this.abandon();
  }

  /** Resolves when the group has given everything to others, who have read it ahead, or cannot, or that takes too long. */
  #handedOver(): Promise<void> {
    if (this.#left || this.#running.size + this.#draining.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const over = (): void => {
        deadline.cancel();
        resolve();
      };
      const deadline = this.#setup.clock.after(this.#setup.settings.readAheadMs, over);
      this.#alone = over;
      this.#idle = () => {
        if (this.#running.size + this.#draining.size === 0) over();
      };
    });
  }

  async #run(): Promise<void> {
    while (!this.#left) {
      this.#changed = false;
      const assignment = await this.#round();
      if (this.#left) return;
      if (assignment === undefined) continue;
      this.#setup.onRebalance();
      this.#apply(assignment);
      await this.#stay();
    }
  }

  /** Joins and syncs; undefined when it has to begin again. */
  async #round(): Promise<Assignment | undefined> {
    const { wire, group, patience } = this.#setup;
    const joined = await patience.until(`joining the group ${group}`, () => this.#join());
    if (joined === undefined) return undefined;
    const { generation, memberId } = joined;
    const assignments = joined.leaderId === memberId ? this.#plan(joined) : [];
    const syncing = wire.syncGroup({ group, memberId, generation, assignments });
    const sync = await this.#heard(syncing).catch(() => undefined);
    switch (sync?.error) {
      case kafkaError.none:
        this.#generation = generation;
        return decodeAssignment(sync.assignment);
      case kafkaError.unknownMember:
        this.#expelled();
        return undefined;
      case kafkaError.rebalanceInProgress:
      case kafkaError.illegalGeneration:
        return undefined;
      default:
        wire.refresh();
        await this.#pause(this.#setup.settings.heartbeatMs);
        return undefined;
    }
  }

  async #join(): Promise<Attempt<JoinAnswer | undefined>> {
    const { wire, group, settings } = this.#setup;
    if (this.#left) return { done: undefined };
    const { sessionTimeoutMs, rebalanceTimeoutMs } = settings;
    const joining = wire.joinGroup({
      ...{ group, sessionTimeoutMs, rebalanceTimeoutMs },
      memberId: this.#memberId,
      metadata: this.#metadata(),
    });
    const answer = await this.#heard(joining);
    switch (answer.error) {
      case kafkaError.none:
        return { done: answer };
      case kafkaError.memberIdRequired:
        this.#memberId = answer.memberId;
        this.#setup.onMemberId(answer.memberId);
        return this.#join();
      case kafkaError.unknownMember:
        this.#expelled();
        return { again: nameOf(answer.error) };
      default:
        return { again: nameOf(answer.error) };
    }
  }

  #metadata(): Uint8Array {
    const { worker, about } = this.#setup;
    return encodeMember({
      ...{ worker, about, resting: this.#resting },
      owned: [...this.#running, ...this.#draining],
      generation: this.#generation,
      ahead: [...this.#ahead],
      pulls: [...this.#pulls].map(([partition, at]) => ({ partition, at })),
    });
  }

  #plan({ members }: JoinAnswer): Array<{ memberId: string; assignment: Uint8Array }> {
    const views = members.map(({ memberId, metadata }) => ({ memberId, data: decodeMember(metadata) }));
    return [...assign(this.#setup.partitions, views)].map(([memberId, assignment]) => ({
      memberId,
      assignment: encodeAssignment(assignment),
    }));
  }

  #apply({ run, coming }: Assignment): void {
    this.#granted = new Set(run);
    this.#readAhead(new Set(coming));
    // Its former owner says that it runs it until all of it has ended there.
    const lost = [...this.#running].filter((partition) => !this.#granted.has(partition) && !this.#early.has(partition));
    if (lost.length > 0) void this.#drain(lost).then(() => this.#released());
    this.#takeGranted();
  }

  #readAhead(coming: ReadonlySet<number>): void {
    this.#coming = coming;
    for (const partition of this.#ahead) if (!coming.has(partition)) this.#ahead.delete(partition);
    for (const partition of this.#early) if (!coming.has(partition)) this.#early.delete(partition);
    const ready = (partition: number): void => {
      if (!this.#coming.has(partition) || this.#ahead.has(partition)) return;
      this.#ahead.add(partition);
      this.#rejoin();
    };
    const { readAhead } = this.#setup;
    if (readAhead === undefined) for (const partition of coming) ready(partition);
    else {
      const given = new Set([...this.#granted, ...this.#early]);
      const unread = new Set([...coming].filter((partition) => !given.has(partition)));
      readAhead.follow(unread, given, {
        ready,
        free: (partition) => this.#take(partition),
        preview: (partition) => this.#setup.listener.coming?.(partition),
      });
    }
  }

  /** The owner has let go of what is to run here: the group need not be waited for. */
  #take(partition: number): void {
    const isMine = this.#coming.has(partition) && !this.#running.has(partition) && !this.#draining.has(partition);
    if (!isMine || this.#leaving !== undefined || this.#left) return;
    this.#running.add(partition);
    this.#early.add(partition);
    this.#setup.listener.assigned([partition]);
    this.#rejoin();
  }

  /** Tells the listener of what is granted and not running yet. */
  #takeGranted(): void {
    if (this.#leaving !== undefined || this.#left) return;
    const gained = [...this.#granted].filter(
      (partition) => !this.#running.has(partition) && !this.#draining.has(partition),
    );
    if (gained.length === 0 && this.#greeted) return;
    this.#greeted = true;
    for (const partition of gained) this.#running.add(partition);
    this.#setup.listener.assigned(gained);
  }

  async #drain(partitions: readonly number[]): Promise<void> {
    if (partitions.length === 0) return;
    const { clock, settings, listener, logger, group } = this.#setup;
    for (const partition of partitions) {
      this.#running.delete(partition);
      this.#draining.add(partition);
    }
    await new Promise<void>((resolve) => {
      const deadline = clock.after(settings.drainDeadlineMs, () => {
        logger.warn({ group, partitions }, 'partitions were not drained in time; they move all the same');
        resolve();
      });
      const done = (): void => {
        deadline.cancel();
        resolve();
      };
      listener.revoked(partitions).then(done, done);
    });
    for (const partition of partitions) this.#draining.delete(partition);
    this.#idle();
  }

  /** What was drained is free, unless the group has given it back meanwhile. */
  #released(): void {
    this.#takeGranted();
    this.#rejoin();
  }

  #rejoin(): void {
    this.#changed = true;
    this.#wake();
  }

  /** Heartbeats until the group wants to be joined again. */
  async #stay(): Promise<void> {
    const { wire, group, settings } = this.#setup;
    while (!this.#left && !this.#changed) {
      await this.#pause(settings.heartbeatMs);
      if (this.#left || this.#changed) return;
      const beating = wire.heartbeat(group, this.#memberId, this.#generation);
      const answer = await this.#heard(beating).catch(() => undefined);
      if (answer === undefined) {
        wire.refresh();
        continue;
      }
      switch (answer.error) {
        case kafkaError.none:
          break;
        case kafkaError.unknownMember:
          this.#expelled();
          return;
        case kafkaError.rebalanceInProgress:
        case kafkaError.illegalGeneration:
          return;
        default:
          wire.refresh();
      }
    }
  }

  /** The answer to a request; whoever hands over goes on without the group when there have been none for a while. */
  async #heard<Answer>(asked: Promise<Answer>): Promise<Answer> {
    const { clock } = this.#setup;
    try {
      const answer = await asked;
      this.#unheardSince = undefined;
      return answer;
    } catch (error) {
      this.#unheardSince ??= clock.monotonic();
      if (clock.monotonic() - this.#unheardSince >= unreachedMs) this.#alone();
      throw error;
    }
  }

  /** The session ran out, as when the process was stopped for a while. */
  #expelled(): void {
    this.#memberId = '';
    this.#early.clear();
    this.#setup.onExpelled();
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#setup.clock.after(delayMs, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
