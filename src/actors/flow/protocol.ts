/**
 * The flow service's protocol: what its shards are asked and what they answer. Other services speak to flows through
 * this module alone.
 */

export { actorMessage } from './actor-message.ts';
export { decodeAnswer, type LoggedAnswer } from './answer-record.ts';
export { encodeAsk, type RemoteRequest } from './ask-record.ts';
export { chainPrefix as auditPrefix, isAnchor as isAuditAnchor } from './audit-keys.ts';
export type { Correction } from './correction.ts';
export { actorAddress, bodyHash, clientRoutingKey, responderRoutingKey, routingKeyOf } from './ids.ts';
export type {
  Acted,
  ActorReply,
  Answer,
  Asked,
  CheckpointPart,
  FailedOperation,
  FlowDescription,
  FlowRequest,
  NodeAct,
  ReplyTo,
  Signalled,
  Started,
  WaitingOn,
} from './request.ts';
export { type ProgressReport, reportsOf } from './signal.ts';
export { encodeStart } from './start-record.ts';

/** Kinds of messages without number that reach a flow shard from elsewhere, or that it answers them with. */
export const serviceKinds = { session: 'session', start: 'start', ask: 'ask', answer: 'answer' } as const;

/** Topics of the service. */
export const flowTopics = {
  events: 'flow.events',
  state: 'flow.state',
  status: 'flow.status',
  audit: 'flow.audit',
  answers: 'flow.answers',
} as const;

/** Partitions of the answers, whatever the number of shards: each worker reads one of them. */
export const answerPartitions = 8;
