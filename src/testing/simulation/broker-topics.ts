import { flowTopics } from '../../actors/flow/protocol.ts';

/** The state topic of flows, as shards name it. */
export const shardTopic = 'flow.state';

/** The same, as the driver names it to brokers. */
export const stateTopic = `weir.${shardTopic}`;

/** Where flows publish how they are, as brokers know it. */
export const statusTopic = `weir.${flowTopics.status}`;
