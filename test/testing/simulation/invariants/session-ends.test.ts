import { describe, expect, it } from 'vitest';
import { responderRoutingKey } from '../../../../src/actors/flow/protocol.ts';
import type { SessionMessage } from '../../../../src/actors/session-manager/index.ts';
import { sessionEnds } from '../../../../src/testing/simulation/invariants/session-ends.ts';
import { Lanes } from '../../../../src/testing/simulation/invariants/session-lanes.ts';
import { sessions } from '../../../../src/testing/simulation/invariants/sessions.ts';
import type { Invariant } from '../../../../src/testing/simulation/world.ts';
import { flowId, History, headBytes, message, session } from './history.ts';

const acme = { name: 'ACME', group: 'default' };
const globex = { name: 'GLOBEX', group: 'default' };
const id = `${flowId}.0.0`;
const outbox = `o/${id}:r`;
const responder = `${responderRoutingKey(globex, acme, id)}-1`;
const back = { sourceName: 'GLOBEX', destinationName: 'ACME', direction: 'toInitiator' } as const;

/** Both invariants over the same lanes; only what is said of ends is kept. */
function both(): Invariant {
  const lanes = new Lanes();
  const [order, ends] = [sessions(lanes), sessionEnds(lanes)];
  return {
    name: ends.name,
    hears: ends.hears ?? [],
    event(event, violate) {
      order.event(event, () => undefined);
      ends.event(event, violate);
    },
  };
}

const open = session({ sent: 1, requireClose: true });

/** ACME has said one word to GLOBEX, which took it, and then `last`. */
function said(last: Partial<SessionMessage> = { kind: 'close' }, more: Parameters<typeof session>[0] = {}): History {
  const heard = session({ role: 'responder', peerName: 'ACME', received: 1 });
  return new History(both())
    .commits({
      records: { [`c/${flowId}`]: headBytes({ sessions: [{ ...open, ...more }] }), [`${outbox}/1`]: message() },
    })
    .commits({ partition: 1, records: { [`c/${responder}`]: headBytes({ memberName: 'GLOBEX', sessions: [heard] }) } })
    .commits({
      records: {
        [`c/${flowId}`]: headBytes({ sessions: [{ ...open, sent: 2, status: 'closed', ...more }] }),
        [`${outbox}/2`]: message({ sequence: 2, ...last }),
      },
    });
}

/** GLOBEX commits its own close. */
function closes(history: History): History {
  const records = { [`o/${id}:i:x:y/1`]: message({ ...back, kind: 'close' }) };
  return history.commits({ partition: 1, records });
}

function ends(history: History, parts: Parameters<typeof headBytes>[0] = {}): string[] {
  return history.commits({ records: { [`c/${flowId}`]: headBytes({ status: 'COMPLETED', updated: 10, ...parts }) } })
    .violations;
}

function answers(history: History, parts: Partial<SessionMessage>): string[] {
  const bytes = message({ ...back, sequence: 0, ...parts });
  return history.tell({ type: 'sent', source: globex, destination: acme, bytes, fate: 'passed' }).violations;
}

describe('how sessions end', () => {
  it('TK5 SM10 says nothing of a flow that ends when its peer has closed', () => {
    expect(ends(closes(said()))).toEqual([]);
  });

  it('TK5 SM10 finds a flow that ends without the close that it requires', () => {
    expect(ends(said())).toEqual([
      expect.stringContaining('it has not been closed, and the flow that requires it has ended'),
    ]);
  });

  it.each<[string, () => string[]]>([
    ['does not require it', () => ends(said({ kind: 'close' }, { requireClose: false }))],
    ['was killed', () => ends(said(), { status: 'KILLED' })],
    ['was cancelled', () => ends(said(), { cancel: { order: 1, code: 'CANCELLED', reason: '' } })],
    ['has told its peer that it was silent for too long', () => ends(said({ kind: 'error', cause: 'expired' }))],
    ['could not reach its peer in time', () => ends(said(), { updated: 1_000 })],
    ['knew that its peer had failed', () => ends(said({ kind: 'close' }, { peer: 'failed' }))],
  ])('TK5 SM10 says nothing of one that %s', (_what, violations) => {
    expect(violations()).toEqual([]);
  });

  it('TK5 SM9 finds a refusal of an error, and one of what was never sent', () => {
    expect(answers(said({ kind: 'error' }), { kind: 'reject', received: 2 })).toEqual([
      expect.stringContaining('message 2 is refused, and it is error'),
    ]);
    expect(answers(said(), { kind: 'reject', received: 7 })).toEqual([
      expect.stringContaining('message 7 is refused, and it is none that was ever sent'),
    ]);
    expect(answers(said(), { kind: 'reject', received: 1 })).toEqual([]);
  });

  it('TK5 SM11 finds a sender that is told too early that nobody reads on', () => {
    const early = said();
    expect(answers(early, { kind: 'ack', received: 1, ended: true })).toEqual([
      expect.stringContaining('its sender is told that nobody reads on'),
    ]);
    expect(answers(closes(said()), { kind: 'ack', received: 1, ended: true })).toEqual([]);
    const over = said().commits({ partition: 1, records: { [`c/${responder}`]: headBytes({ status: 'FAILED' }) } });
    expect(answers(over, { kind: 'ack', received: 1, ended: true })).toEqual([]);
  });
});
