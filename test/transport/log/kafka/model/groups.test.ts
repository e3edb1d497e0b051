import { describe, expect, it } from 'vitest';
import { type KafkaWire, kafkaError } from '../../../../../src/transport/log/kafka/wire.ts';
import { rig } from './rig.ts';

describe('model of a broker: groups', () => {
  const timing = { sessionTimeoutMs: 6_000, rebalanceTimeoutMs: 10_000 };
  const metadata = Buffer.from('m');

  async function firstJoin(wire: KafkaWire) {
    const { error, memberId } = await wire.joinGroup({ group: 'g', memberId: '', metadata, ...timing });
    expect(error).toBe(kafkaError.memberIdRequired);
    return memberId;
  }
  const join = (wire: KafkaWire, memberId: string) => wire.joinGroup({ group: 'g', memberId, metadata, ...timing });
  const sync = (wire: KafkaWire, memberId: string, generation: number, given: Record<string, string> = {}) =>
    wire.syncGroup({
      ...{ group: 'g', memberId, generation },
      assignments: Object.entries(given).map(([id, text]) => ({ memberId: id, assignment: Buffer.from(text) })),
    });

  async function pair() {
    const { wire, broker, clock } = await rig();
    const one = await firstJoin(wire);
    const alone = join(wire, one);
    await clock.advance(0);
    expect(await alone).toMatchObject({ error: 0, generation: 1, leaderId: one });
    await sync(wire, one, 1, { [one]: 'all' });
    const other = broker.connect('other');
    const two = await firstJoin(other);
    const [second, first] = [join(other, two), join(wire, one)];
    await clock.advance(0);
    expect(await first).toMatchObject({ error: 0, generation: 2, leaderId: one });
    expect(await second).toEqual({ error: 0, generation: 2, memberId: two, leaderId: one, members: [] });
    return { wire, other, one, two, clock, broker };
  }

  it('members join, the leader assigns, everybody learns its own', async () => {
    const { wire, other, one, two } = await pair();
    const waits = sync(other, two, 2);
    expect(await sync(wire, one, 2, { [one]: 'left', [two]: 'right' })).toMatchObject({ error: 0 });
    expect(Buffer.from((await waits).assignment).toString()).toBe('right');
    expect(await wire.heartbeat('g', one, 2)).toEqual({ error: 0 });
    expect(await wire.heartbeat('g', one, 1)).toEqual({ error: kafkaError.illegalGeneration });
    expect(await wire.heartbeat('g', 'nobody', 2)).toEqual({ error: kafkaError.unknownMember });
  });

  it('a member that leaves makes the others join again at once', async () => {
    const { wire, other, one, two, clock } = await pair();
    await sync(wire, one, 2, {});
    expect(await other.leaveGroup('g', two)).toEqual({ error: 0 });
    expect(await wire.heartbeat('g', one, 2)).toEqual({ error: kafkaError.rebalanceInProgress });
    const again = join(wire, one);
    await clock.advance(0);
    expect(await again).toMatchObject({ error: 0, generation: 3, members: [{ memberId: one }] });
  });

  it('a silent member is dropped after its session', async () => {
    const { wire, one, two, clock, broker } = await pair();
    await sync(wire, one, 2, {});
    await clock.advance(5_999);
    await wire.heartbeat('g', one, 2);
    await clock.advance(1);
    expect(broker.group('g')?.members).toEqual([one]);
    expect(await wire.heartbeat('g', two, 2)).toEqual({ error: kafkaError.unknownMember });
  });

  it('a member that does not join again in time is dropped, and sessions out of bounds are refused', async () => {
    const { wire, other, one, two, clock, broker } = await pair();
    await sync(wire, one, 2, {});
    const changed = other.joinGroup({ group: 'g', memberId: two, metadata: Buffer.from('new'), ...timing });
    for (let second = 0; second < 10; second += 1) {
      await clock.advance(1_000);
      void wire.heartbeat('g', one, 2);
    }
    await clock.advance(0);
    expect(await changed).toMatchObject({ error: 0, generation: 3, leaderId: two });
    expect(broker.group('g')?.members).toEqual([two]);
    const short = { group: 'g', memberId: '', metadata, sessionTimeoutMs: 5_999, rebalanceTimeoutMs: 1 };
    expect(await wire.joinGroup(short)).toMatchObject({ error: kafkaError.invalidSessionTimeout });
  });
});
