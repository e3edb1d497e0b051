/** Random sequences about one group of at most two members: joins that wait for others, syncs, heartbeats, leaves. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { type JoinAnswer, type KafkaWire, kafkaError } from '../../../../../src/transport/log/kafka/wire.ts';
import { type Both, until } from './both.ts';

const member = fc.nat(1);
const step = fc.oneof(
  fc.record({ type: fc.constant('join' as const), member, metadata: fc.constantFrom('m', 'm', 'n') }),
  fc.record({ type: fc.constant('join all' as const), metadata: fc.constant('m') }),
  fc.record({ type: fc.constant('sync' as const), member, generation: fc.constantFrom(0, 0, 0, -1) }),
  fc.record({ type: fc.constant('sync all' as const) }),
  fc.record({ type: fc.constant('heartbeat' as const), member, generation: fc.constantFrom(0, 0, 1) }),
  fc.record({ type: fc.constant('leave' as const), member }),
  fc.record({ type: fc.constant('stranger' as const) }),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
export type GroupSequence = readonly Step[];

export const groupSequence: fc.Arbitrary<GroupSequence> = fc.array(step, { minLength: 6, maxLength: 16 });

type SyncAnswer = Awaited<ReturnType<KafkaWire['syncGroup']>>;

interface Ids {
  readonly real: string;
  readonly model: string;
}

/** A request on both sides that may wait for other members. */
interface Parked {
  readonly what: string;
  readonly real: Promise<unknown>;
  readonly model: Promise<unknown>;
  realDone: boolean;
  modelDone: boolean;
}

const timing = { sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 60_000 };

/**
 * Does the whole sequence on both sides; every request has been answered alike, or by neither, when it ends.
 * `isEmpty` tells whether the group has no member, as the model has it.
 */
export async function runGroupSequence(both: Both, group: string, steps: GroupSequence, isEmpty: () => boolean) {
  const members: Array<Ids | undefined> = [undefined, undefined];
  /** Of every id that was given out, also after its member has left. */
  const numbers = new Map<string, number>();
  const waiting: Parked[] = [];
  let generation = 0;

  /** Member ids by number, members in their order, bytes as text: so both sides can be compared. */
  const named = (answer: JoinAnswer | SyncAnswer): unknown => {
    const name = (id: string) => numbers.get(id) ?? 'nobody';
    if ('assignment' in answer) return { ...answer, assignment: Buffer.from(answer.assignment).toString() };
    return {
      ...{ error: answer.error, generation: answer.generation },
      ...{ member: name(answer.memberId), leader: name(answer.leaderId) },
      members: answer.members.map(({ memberId, metadata }) => `${name(memberId)}: ${Buffer.from(metadata)}`).toSorted(),
    };
  };

  const park = (what: string, ask: (wire: KafkaWire, side: keyof Ids) => Promise<JoinAnswer | SyncAnswer>): void => {
    const real = ask(both.real, 'real').then((answer) => named(answer));
    const model = ask(both.model, 'model').then((answer) => {
      if ('generation' in answer && answer.generation > 0) generation = answer.generation;
      return named(answer);
    });
    const parked: Parked = { ...{ what, real, model }, realDone: false, modelDone: false };
    // Some are never answered (see below), and fail when their client closes.
    const done = (side: 'realDone' | 'modelDone') => () => {
      parked[side] = true;
    };
    real.then(done('realDone'), done('realDone'));
    model.then(done('modelDone'), done('modelDone'));
    waiting.push(parked);
  };

  /** How each side stands: what heartbeats hear, and which requests wait. */
  const standing = async (side: keyof Ids): Promise<string> => {
    const heard: number[] = [];
    for (const ids of members) {
      if (ids !== undefined) heard.push((await both[side].heartbeat(group, ids[side], generation)).error);
    }
    const done = side === 'real' ? 'realDone' : 'modelDone';
    const waits = waiting.filter((parked) => !parked[done]).map(({ what }) => what);
    return `heartbeats ${heard.join()}; waiting: ${waits.join()}`;
  };

  const settle = async (): Promise<void> => {
    let [real, model] = ['', 'unknown'];
    await until(async () => {
      // Answers come in the order of the requests: behind this one the model has handled all that was sent before.
      await both.model.topics();
      [real, model] = [await standing('real'), await standing('model')];
      return real === model;
    }).catch(() => expect(real, 'how the broker stands').toBe(model));
    for (const parked of [...waiting]) {
      if (!parked.realDone) continue;
      expect(await parked.real, parked.what).toEqual(await parked.model);
      waiting.splice(waiting.indexOf(parked), 1);
    }
  };

  const idsOf = (index: number): Ids => members[index] ?? { real: 'nobody', model: 'nobody' };
  const isWaiting = (index: number): boolean => waiting.some(({ what }) => what.endsWith(` ${index}`));

  const join = async (index: number, metadata: string): Promise<void> => {
    if (isWaiting(index)) return;
    if (members[index] === undefined) {
      const unknown = { group, memberId: '', metadata: Buffer.from(metadata), ...timing };
      const [real, model] = [await both.real.joinGroup(unknown), await both.model.joinGroup(unknown)];
      expect([real.error, model.error]).toEqual([kafkaError.memberIdRequired, kafkaError.memberIdRequired]);
      members[index] = { real: real.memberId, model: model.memberId };
      for (const id of [real.memberId, model.memberId]) numbers.set(id, index);
    }
    const ids = idsOf(index);
    const first = isEmpty();
    park(`join ${index}`, (wire, side) =>
      wire.joinGroup({ group, memberId: ids[side], metadata: Buffer.from(metadata), ...timing }),
    );
    // The first join of an empty group waits for nobody but a timer, which each side has its own of.
    if (first) await Promise.all([waiting.at(-1)?.real, waiting.at(-1)?.model]);
  };
  const sync = (index: number, off: number): void => {
    if (isWaiting(index)) return;
    const ids = idsOf(index);
    park(`sync ${index}`, (wire, side) =>
      wire.syncGroup({
        ...{ group, memberId: ids[side], generation: generation + off },
        assignments: members.flatMap((one, number) =>
          one === undefined ? [] : [{ memberId: one[side], assignment: Buffer.from(`share ${number}`) }],
        ),
      }),
    );
  };
  const leave = async (index: number): Promise<void> => {
    const ids = idsOf(index);
    const [real, model] = [await both.real.leaveGroup(group, ids.real), await both.model.leaveGroup(group, ids.model)];
    expect(real, `leave ${index}`).toEqual(model);
    members[index] = undefined;
  };

  for (const one of steps) {
    switch (one.type) {
      case 'join':
        await join(one.member, one.metadata);
        break;
      case 'join all':
        for (const index of members.keys()) {
          await join(index, one.metadata);
          await settle();
        }
        break;
      case 'sync':
        sync(one.member, one.generation);
        break;
      case 'sync all':
        for (const index of members.keys()) {
          sync(index, 0);
          await settle();
        }
        break;
      case 'heartbeat': {
        const ids = idsOf(one.member);
        const beat = (wire: KafkaWire, id: string) => wire.heartbeat(group, id, generation + one.generation);
        expect(await beat(both.real, ids.real), 'heartbeat').toEqual(await beat(both.model, ids.model));
        break;
      }
      case 'leave':
        await leave(one.member);
        break;
      case 'stranger': {
        await both.same('heartbeat', (wire) => wire.heartbeat(group, 'stranger', 1));
        await both.same('leave', (wire) => wire.leaveGroup(group, 'stranger'));
        await both.same('join', (wire) =>
          wire.joinGroup({ group, memberId: 'stranger', metadata: Buffer.from('m'), ...timing }),
        );
        break;
      }
    }
    await settle();
  }
  for (const index of members.keys()) {
    await leave(index);
    await settle();
  }
  // Neither side ever answers the sync of a member that has left since.
  expect(waiting.filter(({ what }) => !what.startsWith('sync'))).toEqual([]);
}
