import { describe, expect, it } from 'vitest';
import { encodeRouted } from '../../../../src/actors/shard/protocol.ts';
import type { Happening, SimEvent } from '../../../../src/testing/simulation/events.ts';
import { errorsAreTold, owes } from '../../../../src/testing/simulation/invariants/errors-are-told.ts';
import { noDefectsLogged } from '../../../../src/testing/simulation/invariants/no-defects-logged.ts';
import { stillSent } from '../../../../src/testing/simulation/invariants/nothing-goes-on.ts';
import {
  SeenStatuses,
  statusesAreCommitted,
} from '../../../../src/testing/simulation/invariants/statuses-are-committed.ts';
import { stepsComeAfterCommits } from '../../../../src/testing/simulation/invariants/steps-come-after-commits.ts';
import { flowId, History, head, headBytes, statusOf } from './history.ts';

const running = head();
const done = head({ status: 'COMPLETED', updated: 2 });

function sees(history: History, of: typeof running): History {
  return history.tell({ type: 'published', topic: 'flow.status', key: flowId, value: statusOf(of) });
}

describe('statuses that are seen', () => {
  it('TK5 says nothing of those that were sent in a commit, in order', () => {
    const history = new History(statusesAreCommitted());
    history.sends({ statuses: [[flowId, running]] });
    history.sends({ statuses: [[flowId, done]] });
    sees(sees(sees(history, running), done), done);
    expect(history.violations).toEqual([]);
  });

  it('TK5 finds one that no commit holds, and one that is older than what was seen', () => {
    const history = new History(statusesAreCommitted());
    history.sends({ statuses: [[flowId, running]] });
    expect(sees(history, done).violations).toEqual([expect.stringContaining('no commit holds it')]);
    history.sends({ statuses: [[flowId, done]] });
    sees(sees(history, done), running);
    expect(history.violations.at(-1)).toContain('is seen as it was before');
  });

  it('TK5 finds a worker that has not seen in the end how a flow ended', () => {
    const opened = { type: 'snapshot', topic: 'flow.status', entries: new Map() } as const;
    const statuses = new SeenStatuses();
    const history = new History({ name: '', hears: [], event: (event, violate) => statuses.event(event, violate) });
    history.tell(opened).tell(opened, 'worker-1');
    history.commits({ statuses: [[flowId, running]] }).commits({ statuses: [[flowId, done]] });
    sees(sees(history, running), done);
    history.tell({ type: 'published', topic: 'flow.status', key: flowId, value: statusOf(running) }, 'worker-1');
    expect([...statuses.unseen(1_000)]).toEqual([]);
    expect([...statuses.unseen(60_000)]).toEqual([expect.stringContaining('node/worker-1 has not seen how')]);
    history.tell({ type: 'down', why: 'stopped' }, 'worker-1');
    expect([...statuses.unseen(60_000)]).toEqual([]);
    expect(history.violations).toEqual([]);
  });
});

describe('steps that begin', () => {
  const begins = (history: History, id: string): History => history.tell({ type: 'note', what: 'step', text: id });

  it('TK5 finds one that comes before its flow is durable', () => {
    const history = new History(stepsComeAfterCommits());
    history.sends({ records: { [`c/${flowId}`]: headBytes() } });
    expect(begins(history, `${flowId}.0.0`).violations).toEqual([expect.stringContaining('is not durable')]);
  });

  it('TK5 says nothing of one of a visit that is, and finds one of the next', () => {
    const history = new History(stepsComeAfterCommits()).commits({ records: { [`c/${flowId}`]: headBytes() } });
    expect(begins(history, `${flowId}.0.3`).violations).toEqual([]);
    expect(begins(history, `${flowId}.1.0`).violations).toHaveLength(1);
  });
});

describe('what is sent when everything has finished', () => {
  const delivery = encodeRouted({ type: 'delivery', from: 0, entries: [{ number: 3, bytes: new Uint8Array() }] });
  const ack = encodeRouted({ type: 'ack', from: 0, number: 3, resend: false });
  const appended = (value: Uint8Array): SimEvent => ({
    ...{ at: 1_000, node: 'node', worker: 'worker-0', type: 'append', topic: 'flow.events', partition: 1 },
    records: [{ key: '', value }],
  });

  it('TK5 finds a message that is sent again and again', () => {
    expect(stillSent(appended(delivery), 2_000)).toContain('still sends entry 3 of shard 0');
  });

  it('TK5 says nothing of what was sent long ago, nor of acknowledgements', () => {
    expect(stillSent(appended(delivery), 40_000)).toBeUndefined();
    expect(stillSent(appended(ack), 2_000)).toBeUndefined();
  });
});

describe('errors that are logged', () => {
  const logs = (history: History, text: string): History => history.tell({ type: 'note', what: 'logs an error', text });

  it('TK5 finds a defect always, and any error where no fault has struck', () => {
    expect(logs(new History(noDefectsLogged()), 'a shard has failed').violations).toHaveLength(1);
    const struck = new History(noDefectsLogged()).tell({ type: 'fault', text: 'the worker dies' });
    expect(logs(struck, 'a shard has failed').violations).toEqual([]);
    expect(logs(struck, 'a turn failed outside its actor (err: x)').violations).toHaveLength(1);
  });

  it('TK5 says nothing of what flows do on purpose', () => {
    expect(logs(new History(noDefectsLogged()), 'flow is stuck (code: X)').violations).toEqual([]);
  });
});

describe('errors that are told', () => {
  const told = (worker: string, count: number): Happening => ({
    ...{ type: 'append', topic: 'worker.errors', partition: 0 },
    records: Array.from({ length: count }, () => ({ key: '', value: Buffer.from(JSON.stringify(errorOf(worker))) })),
  });
  const errorOf = (worker: string) => ({
    ...{ id: '1', worker, service: 'rpc', severity: 'error', code: 'E', message: 'wrong', causes: [], remedy: '' },
    ...{ since: 0, at: 0, count: 1 },
  });
  const up = (): History => new History(errorsAreTold()).tell({ type: 'up' });

  it('TK5 finds a worker that tells of more errors than anybody can read, or of one that nobody can', () => {
    expect(up().tell(told('worker-0', 721)).violations).toEqual([]);
    expect(up().tell(told('worker-0', 700)).tell(told('worker-0', 22)).violations).toHaveLength(1);
    const unreadable = { key: '', value: Buffer.from('{}') };
    const half: Happening = { type: 'append', topic: 'worker.errors', partition: 0, records: [unreadable] };
    expect(up().tell(half).violations).toHaveLength(1);
  });

  it('TK5 finds a worker that keeps an error to itself', () => {
    expect(owes({ owes: 1_000, told: undefined }, 6_001)).toBe(true);
    expect(owes({ owes: 1_000, told: undefined }, 6_000)).toBe(false);
    expect(owes({ owes: 1_000, told: [0] }, 66_001)).toBe(true);
    expect(owes({ owes: 1_000, told: [0] }, 66_000)).toBe(false);
    expect(owes({ owes: undefined, told: undefined }, 99_000)).toBe(false);
  });
});
