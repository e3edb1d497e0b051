import type { KafkaWire } from '../../../../../src/transport/log/kafka/wire.ts';

/** Passes everything on, for wires that differ in a method or two. */
export function forwarding(wire: KafkaWire): KafkaWire {
  return {
    initProducerId: (id) => wire.initProducerId(id),
    produce: (request) => wire.produce(request),
    fetch: (request) => wire.fetch(request),
    offset: (topic, partition, at) => wire.offset(topic, partition, at),
    deleteRecords: (topic, partition, before) => wire.deleteRecords(topic, partition, before),
    topics: () => wire.topics(),
    createTopics: (topics) => wire.createTopics(topics),
    topicConfig: (topic) => wire.topicConfig(topic),
    brokerConfig: () => wire.brokerConfig(),
    joinGroup: (request) => wire.joinGroup(request),
    syncGroup: (request) => wire.syncGroup(request),
    heartbeat: (group, member, generation) => wire.heartbeat(group, member, generation),
    leaveGroup: (group, member) => wire.leaveGroup(group, member),
    refresh: () => wire.refresh(),
    close: () => wire.close(),
  };
}
