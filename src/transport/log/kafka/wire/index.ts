export type { KafkaWireSetup } from './kafka-wire.ts';
export { kafkaWire } from './kafka-wire.ts';
export type { Sasl } from './kafkajs.ts';
