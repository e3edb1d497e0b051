export type { KafkaLog, KafkaLogSetup } from './kafka-log.ts';
export { kafkaLog } from './kafka-log.ts';
export type { KafkaModelCluster, KafkaModelClusterSetup } from './model-cluster.ts';
export { kafkaModelCluster } from './model-cluster.ts';
export type { KafkaConnection } from './open.ts';
export { openKafkaLog, openKafkaOffline, openKafkaUndertaker } from './open.ts';
export type { KafkaWire } from './wire.ts';
export { WireFailure } from './wire.ts';
