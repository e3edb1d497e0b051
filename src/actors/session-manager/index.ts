/**
 * The flow session manager's rules: who may start what, and how session messages are numbered, ordered, acknowledged.
 * It lives inside the flow shard, so that dedupe and start are one commit; the flow engine is its only user.
 */
export { Allowance } from './allowance.ts';
export type { Direction, SessionAnswer, SessionMessage } from './session-message.ts';
export { answerTo, destinationOf, sessionMessage, sourceOf } from './session-message.ts';
export { SessionOrder } from './session-order.ts';
export type { Asked, LaneName, SessionCredit } from './session-outbox.ts';
export { answeredBy, defaultCredit, SessionOutbox } from './session-outbox.ts';
export type { KnownStart } from './start-dedupe.ts';
export { printOf, StartDedupe } from './start-dedupe.ts';
