/** Requests to Kafka brokers that are lost, late, repeated or cut off, as an injector says. */
import { type KafkaWire, WireFailure } from '../transport/log/index.ts';
import type { FaultInjector } from './injector.ts';

/** What a broker answers whose disk takes nothing more (KAFKA_STORAGE_ERROR). */
const storageError = 56;

/**
 * The wire with the faults of one worker. A lost acknowledgement is a request that takes effect and ends with
 * `WireFailure`, as when the connection breaks; a partition is that without the effect.
 */
export function faultyWire(wire: KafkaWire, injector: FaultInjector): KafkaWire {
  injector.attach({ writes: ['crash', 'slow', 'lost-ack', 'duplicate', 'full-disk', 'partition'] });
  const { clock, process } = injector;
  const reached = async <Answer>(request: () => Promise<Answer>): Promise<Answer> => {
    if (!injector.reachesLog()) throw cutOff();
    return request();
  };
  return {
    async produce(request) {
      const { topic, partition } = request;
      const { what, delayMs } = injector.fateOfWrite(
        (shard) => shard.partition === partition && (shard.topic === undefined || topic.endsWith(shard.topic)),
      );
      if (delayMs > 0) await new Promise<void>((resolve) => void clock.after(delayMs, resolve));
      switch (what) {
        case 'partition':
          throw cutOff();
        case 'full-disk':
          return { error: storageError, baseOffset: -1 };
        case 'crash-before':
          return died(process.crash);
      }
      const answer = await wire.produce(request);
      switch (what) {
        case 'crash-after':
          return died(process.crash);
        case 'lost-ack':
          throw new WireFailure('the acknowledgement was lost (chaos)');
        case 'duplicate':
          await wire.produce(request);
      }
      return answer;
    },
    initProducerId: (id) => reached(() => wire.initProducerId(id)),
    fetch: (request) => reached(() => wire.fetch(request)),
    offset: (topic, partition, at) => reached(() => wire.offset(topic, partition, at)),
    deleteRecords: (topic, partition, before) => reached(() => wire.deleteRecords(topic, partition, before)),
    topics: () => reached(() => wire.topics()),
    createTopics: (topics) => reached(() => wire.createTopics(topics)),
    topicConfig: (topic) => reached(() => wire.topicConfig(topic)),
    brokerConfig: () => reached(() => wire.brokerConfig()),
    joinGroup: (request) => reached(() => wire.joinGroup(request)),
    syncGroup: (request) => reached(() => wire.syncGroup(request)),
    heartbeat: (group, member, generation) => reached(() => wire.heartbeat(group, member, generation)),
    leaveGroup: (group, member) => reached(() => wire.leaveGroup(group, member)),
    refresh: () => wire.refresh(),
    close: () => wire.close(),
  };
}

function cutOff(): WireFailure {
  return new WireFailure('no broker can be reached (chaos)');
}

/** Nobody hears of a request of a process that is dead. */
function died(crash: () => void): Promise<never> {
  crash();
  return new Promise<never>(() => undefined);
}
