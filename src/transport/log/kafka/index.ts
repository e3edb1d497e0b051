export type { KafkaLog, KafkaLogSetup } from './kafka-log.ts';
export { kafkaLog } from './kafka-log.ts';
export type { KafkaModelCluster, KafkaModelClusterSetup } from './model-cluster.ts';
export { kafkaModelCluster } from './model-cluster.ts';
export type { KafkaConnection, KafkaNames } from './open.ts';
export { kafkaNames, openKafkaCheckup, openKafkaLog, openKafkaOffline, openKafkaUndertaker } from './open.ts';
export type { KafkaWire } from './wire.ts';
export { WireFailure } from './wire.ts';
