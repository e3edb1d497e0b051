export type { KafkaLog, KafkaLogSetup } from './kafka-log.ts';
export { kafkaLog } from './kafka-log.ts';
