/**
 * Sessions are exactly-once conversations (W3, W4). A message leaves when it is durable, and is acknowledged when its
 * taking is; it is taken when its sender has committed it, once, in order, from its sender alone; it is forgotten when
 * it has been taken; and what a flow has not read is there.
 */
import { defaultCredit } from '../../../actors/flow/index.ts';
import type { SessionMessage } from '../../../actors/session-manager/index.ts';
import { type FlowHead, isTerminal, type SessionRecord } from '../../../persistence/index.ts';
import type { SimEvent } from '../events.ts';
import { messageIn } from '../reading.ts';
import type { Invariant } from '../world.ts';
import { type Lane, Lanes, numberOf } from './session-lanes.ts';

type Applied = Extract<SimEvent, { type: 'applied' }>;
type Violate = (text: string) => void;

/** A sender stops at its credit; what it must say all the same is that a session ends. */
const mostUnread = defaultCredit.messages + 2;

/** `lanes` is kept up here, for others who ask as well. */
export function sessions(lanes = new Lanes()): Invariant {
  /** Records of messages that were received and not yet read, by flow. */
  const unread = new Map<string, Map<number, 'message' | 'signal'>>();
  /** How many signals each flow was given. */
  const signals = new Map<string, number>();

  function applied(event: Applied, violate: Violate): void {
    const { contents } = event;
    for (const { flowId, place, kept } of contents.unread) {
      const places = unread.get(flowId) ?? new Map();
      unread.set(flowId, places);
      if (kept === undefined) places.delete(place);
      else places.set(place, kept);
    }
    for (const flowId of contents.signalled) signals.set(flowId, (signals.get(flowId) ?? 0) + 1);
    const removed: string[] = [];
    for (const { key, value } of contents.sessions) {
      if (value === null) removed.push(key);
      else sent(key, messageIn(value), violate);
    }
    // A peer that refuses is heard of while the commit fills: what was to leave with it is gone before it was there.
    for (const key of removed.length > 1 ? removed.toSorted((a, b) => numberOf(a) - numberOf(b)) : removed)
      lanes.withdraw(key);
    for (const { flowId, value: head } of contents.heads) {
      if (head !== undefined && !isTerminal(head.status)) flow(flowId, head, violate);
      else {
        lanes.ended(flowId);
        if ((unread.get(flowId)?.size ?? 0) > 0)
          violate(`${flowId} has ended, and its unread messages are still there`);
        unread.delete(flowId);
        signals.delete(flowId);
      }
    }
    for (const key of removed) forgotten(key, violate);
  }

  function sent(key: string, message: SessionMessage, violate: Violate): void {
    const lane = lanes.of(message);
    if (message.sequence !== lane.last + 1) violate(`${lane.name}: message ${message.sequence} follows ${lane.last}`);
    lane.push(message);
    lanes.keep(key, lane, message.sequence);
  }

  function forgotten(key: string, violate: Violate): void {
    const kept = lanes.forget(key);
    if (kept === undefined) return;
    const { lane, number } = kept;
    const unheard = lane.taken < number && !lane.broken && !lanes.over(lane.receiver) && !lanes.over(lane.sender);
    if (unheard) violate(`${lane.name}: message ${number} is forgotten, and its receiver has taken ${lane.taken}`);
  }

  function flow(flowId: string, head: Readonly<FlowHead>, violate: Violate): void {
    let data = 0;
    let waiting = 0;
    for (const session of head.sessions) {
      const mine = lanes.between(head, session, 'out');
      const theirs = lanes.between(head, session, 'in');
      if (session.peer !== 'open') mine.broken = true;
      if (session.sent !== mine.last) {
        violate(`${mine.name}: its flow has sent ${session.sent} messages, and ${mine.last} are in its outbox`);
      }
      took(theirs, session, violate);
      data += theirs.dataUpTo(session.received);
      waiting += theirs.dataUpTo(session.received) - theirs.dataUpTo(session.consumed);
    }
    const told = signals.get(flowId) ?? 0;
    if (data + told !== head.nextInbox)
      violate(
        `${flowId} was given ${head.nextInbox} messages, was sent ${data} of those it took, and told ${told} signals`,
      );
    let records = 0;
    for (const kind of unread.get(flowId)?.values() ?? []) if (kind === 'message') records += 1;
    if (waiting !== records) violate(`${flowId} has not read ${waiting} messages, and ${records} of them are there`);
  }

  function took(lane: Lane, { received, consumed }: SessionRecord, violate: Violate): void {
    if (received > lane.last)
      violate(`${lane.name}: message ${received} is taken, and its sender has sent ${lane.last}`);
    if (received < lane.taken) violate(`${lane.name}: it goes back from message ${lane.taken} to ${received}`);
    if (consumed < lane.read) violate(`${lane.name}: read up to ${lane.read}, it is read up to ${consumed} now`);
    if (consumed > received) violate(`${lane.name}: message ${consumed} is read, and ${received} are taken`);
    if (received - consumed > mostUnread) violate(`${lane.name}: ${received - consumed} messages are not read`);
    lane.taken = received;
    lane.read = consumed;
  }

  function left(message: SessionMessage, violate: Violate): void {
    if (message.kind === 'reject') {
      lanes.answeredBy(message).broken = true;
    } else if (message.kind === 'ack') {
      const lane = lanes.answeredBy(message);
      if (lanes.over(lane.receiver)) return;
      if (message.received > lane.taken || message.consumed > lane.read) {
        const durable = `${lane.taken} are durably taken, ${lane.read} read`;
        violate(
          `${lane.name}: ${message.received} messages are acknowledged, ${message.consumed} as read, and ${durable}`,
        );
      }
    } else {
      const lane = lanes.of(message);
      if (message.sequence > lane.last) violate(`${lane.name}: message ${message.sequence} leaves before its commit`);
    }
  }

  return {
    name: 'sessions are exactly once',
    hears: ['applied', 'sent'],
    event(event, violate) {
      if (event.type === 'applied') applied(event, violate);
      if (event.type === 'sent') left(messageIn(event.bytes), violate);
    },
  };
}
