import { describe, expect, it } from 'vitest';
import { responderRoutingKey } from '../../../../src/actors/flow/protocol.ts';
import type { SessionMessage } from '../../../../src/actors/session-manager/index.ts';
import { type SessionRecord, unreadRecord } from '../../../../src/persistence/index.ts';
import { sessions } from '../../../../src/testing/simulation/invariants/sessions.ts';
import { flowId, History, headBytes, message, session } from './history.ts';

const acme = { name: 'ACME', group: 'default' };
const globex = { name: 'GLOBEX', group: 'default' };
const lane = `o/${flowId}.0.0:r`;
const responder = `${responderRoutingKey(globex, acme, `${flowId}.0.0`)}-1`;

/** What is kept of a message, or of a signal, that its flow has not read. */
function unreadBytes(session: string): Uint8Array {
  return unreadRecord.encode({ session, number: 1, type: 'word', body: new Uint8Array() });
}

/** ACME has committed two messages to GLOBEX. */
function sent(): History {
  return new History(sessions()).commits({
    records: {
      [`c/${flowId}`]: headBytes({ sessions: [session({ sent: 2 })] }),
      [`${lane}/1`]: message(),
      [`${lane}/2`]: message({ sequence: 2 }),
    },
  });
}

interface Took extends Partial<SessionRecord> {
  readonly nextInbox?: number;
  /** Places of messages that are kept unread. */
  readonly unread?: readonly number[];
  /** Signals that it was given: how many, and places of those that are kept unread. */
  readonly signals?: { readonly given: number; readonly unread: readonly number[] };
}

/** GLOBEX commits what it has taken. */
function takes(
  history: History,
  { nextInbox, unread = [], signals = { given: 0, unread: [] }, ...record }: Took,
): History {
  const heard = session({ role: 'responder', peerName: 'ACME', ...record });
  const records = Object.fromEntries([
    ...unread.map((place) => [`i/${responder}/${place}`, unreadBytes(heard.id)] as const),
    ...signals.unread.map((place) => [`i/${responder}/${place}`, unreadBytes('')] as const),
    ...Array.from({ length: signals.given }, (_, index) => [`g/${responder}/${index}`, unreadBytes('')] as const),
  ]);
  const parts = { memberName: 'GLOBEX', sessions: [heard], nextInbox: nextInbox ?? heard.received };
  return history.commits({ partition: 1, records: { ...records, [`c/${responder}`]: headBytes(parts) } });
}

function leaves(history: History, parts: Partial<SessionMessage>): History {
  return history.tell({ type: 'sent', source: acme, destination: globex, bytes: message(parts), fate: 'passed' });
}

function ack(history: History, received: number, consumed: number): History {
  const back = { sourceName: 'GLOBEX', destinationName: 'ACME', direction: 'toInitiator' as const };
  return leaves(history, { ...back, kind: 'ack', sequence: 0, received, consumed });
}

describe('sessions', () => {
  it('TK5 says nothing of messages that are sent, taken, acknowledged and forgotten in this order', () => {
    const history = takes(leaves(sent(), {}), { received: 2, consumed: 1, unread: [1] });
    ack(history, 2, 1).commits({ records: { [`${lane}/1`]: null, [`${lane}/2`]: null } });
    expect(history.violations).toEqual([]);
  });

  it('TK5 says nothing of what is forgotten when the flow at the other end has ended', () => {
    const history = sent().commits({ partition: 1, records: { [`c/${responder}`]: headBytes({ status: 'KILLED' }) } });
    ack(history, 2, 2).commits({ records: { [`${lane}/1`]: null } });
    expect(history.violations).toEqual([]);
  });

  it('TK5 knows a message that its own commit withdraws, as its peer has refused meanwhile; else it is missing', () => {
    const withdrawn = (parts: Partial<SessionRecord>): readonly string[] =>
      sent().commits({
        records: { [`c/${flowId}`]: headBytes({ sessions: [session({ sent: 3, ...parts })] }), [`${lane}/3`]: null },
      }).violations;
    expect(withdrawn({ peer: 'failed' })).toEqual([]);
    expect(withdrawn({})).toEqual([expect.stringContaining('message 3 is forgotten, and its receiver has taken 0')]);
  });

  it('TK5 finds a message that leaves before its commit', () => {
    expect(leaves(sent(), { sequence: 3 }).violations).toEqual([
      expect.stringContaining('message 3 leaves before its commit'),
    ]);
  });

  it('TK5 finds an acknowledgement of what is not durably taken, or not read', () => {
    const early = ack(takes(sent(), { received: 1, consumed: 1 }), 2, 1);
    expect(early.violations).toEqual([expect.stringContaining('2 messages are acknowledged')]);
    const unread = ack(takes(sent(), { received: 1, unread: [0] }), 1, 1);
    expect(unread.violations).toEqual([expect.stringContaining('1 as read')]);
  });

  it('TK5 finds a message that is taken and was never sent: a forged one', () => {
    const history = takes(sent(), { received: 3, consumed: 2, nextInbox: 2 });
    expect(history.violations).toEqual([expect.stringContaining('message 3 is taken, and its sender has sent 2')]);
  });

  it('TK5 finds a message that is delivered twice, or left out', () => {
    const twice = takes(sent(), { received: 1, consumed: 1, nextInbox: 2 });
    expect(twice.violations).toEqual([expect.stringContaining('was given 2 messages, was sent 1')]);
    const left = takes(sent(), { received: 2, consumed: 2, nextInbox: 1 });
    expect(left.violations).toEqual([expect.stringContaining('was given 1 messages, was sent 2')]);
  });

  it('TK5 finds numbers that go back', () => {
    const history = takes(takes(sent(), { received: 2, consumed: 2 }), { received: 1, consumed: 1 });
    expect(history.violations).toEqual([
      expect.stringContaining('goes back from message 2 to 1'),
      expect.stringContaining('read up to 2, it is read up to 1 now'),
    ]);
  });

  it('TK5 finds a message that is forgotten before it is taken', () => {
    const history = takes(sent(), { received: 1, consumed: 1 }).commits({ records: { [`${lane}/2`]: null } });
    expect(history.violations).toEqual([
      expect.stringContaining('message 2 is forgotten, and its receiver has taken 1'),
    ]);
  });

  it('TK5 finds an unread message that is lost, and one that outlives its flow', () => {
    const lost = takes(sent(), { received: 2, consumed: 0, unread: [1] });
    expect(lost.violations).toEqual([expect.stringContaining('has not read 2 messages, and 1 of them are there')]);
    const left = takes(sent(), { received: 1, consumed: 0, unread: [0] });
    left.commits({ partition: 1, records: { [`c/${responder}`]: headBytes({ status: 'COMPLETED' }) } });
    expect(left.violations).toEqual([expect.stringContaining('its unread messages are still there')]);
  });

  it('TK5 counts signals beside messages, and finds one that a flow was given without keeping that it was', () => {
    const well = takes(sent(), {
      received: 2,
      consumed: 1,
      unread: [1],
      nextInbox: 5,
      signals: { given: 3, unread: [4] },
    });
    expect(well.violations).toEqual([]);
    const unkept = takes(sent(), { received: 2, consumed: 2, nextInbox: 3 });
    expect(unkept.violations).toEqual([expect.stringContaining('was sent 2 of those it took, and told 0 signals')]);
  });

  it('TK5 finds a gap among the messages that are sent, and a flow that counts others than are there', () => {
    const history = sent().commits({ records: { [`${lane}/4`]: message({ sequence: 4 }) } });
    expect(history.violations).toEqual([expect.stringContaining('message 4 follows 2')]);
    const counted = new History(sessions()).commits({
      records: { [`c/${flowId}`]: headBytes({ sessions: [session({ sent: 1 })] }) },
    });
    expect(counted.violations).toEqual([expect.stringContaining('has sent 1 messages, and 0 are in its outbox')]);
  });
});
