/** Which faults a node takes: those that can strike the log that it has. */
import { describe, expect, it } from 'vitest';
import { type Authority, seededRandom, silentLogger } from '../../src/ports/index.ts';
import { virtualClock } from '../../src/testing/index.ts';
import { type NodeChaos, nodeChaos } from '../../src/worker/chaos.ts';
import { kafkaWorld } from '../transport/log/kafka/world.ts';

const by: Authority = { principal: { name: 'local:operator', kind: 'client' }, reason: 'a test' };
const unreachable = expect.objectContaining({ code: 'WEIR_FAULT_UNREACHABLE' });

function newChaos(): NodeChaos {
  return nodeChaos({ clock: virtualClock(), random: seededRandom(1), logger: silentLogger });
}

describe('faults by name in a node', () => {
  it('TK3 on Kafka they strike what the worker says to the brokers, and no write can be torn', async () => {
    const { desk, wire } = newChaos();
    const { broker } = await kafkaWorld();
    const struck = wire(broker.connect('struck'));
    desk.inject('partition on log', by);
    await expect(struck.topics()).rejects.toThrow('no broker can be reached (chaos)');
    desk.clear(by);
    expect(await struck.topics()).toEqual(expect.any(Array));
    expect(() => desk.inject('torn-write', by)).toThrow(unreachable);
  });

  it('TK3 on the embedded log a write can be torn, and nothing is between the worker and its disk', () => {
    const { desk, openStore } = newChaos();
    openStore();
    expect(desk.inject('torn-write', by)).toMatchObject({ fault: { type: 'torn-write' } });
    expect(() => desk.inject('partition on log', by)).toThrow(unreachable);
  });
});
