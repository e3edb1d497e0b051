export type { KafkaWireSetup } from './connections.ts';
export { kafkaAdmin } from './kafka-admin.ts';
export { kafkaWire } from './kafka-wire.ts';
export type { Sasl } from './kafkajs.ts';
