import { describe, expect, it } from 'vitest';
import { encodeRouted } from '../../../../src/actors/shard/protocol.ts';
import { streamsBetweenShards } from '../../../../src/testing/simulation/invariants/streams-between-shards.ts';
import { actorBytes, History, taken } from './history.ts';

const ask = actorBytes('ask', 'r1');
const answer = actorBytes('answer', 'r1');
const tell = actorBytes('tell', '');

/** Shard 0 has sent two messages to shard 1. */
function told(): History {
  return new History(streamsBetweenShards()).commits({ records: { 'o/1/1': tell, 'o/1/2': tell } });
}

describe('messages between shards', () => {
  it('TK5 says nothing of messages that are taken in order and forgotten afterwards', () => {
    const history = told().commits({ partition: 1, records: { 'w/0': taken(2) } });
    history.commits({ records: { 'o/1/1': null, 'o/1/3': ask } });
    history.commits({ partition: 1, records: { 'w/0': taken(3), 'o/0/1': answer } });
    expect(history.violations).toEqual([]);
  });

  it('TK5 finds a gap, and a number that is given again', () => {
    expect(told().commits({ records: { 'o/1/4': tell } }).violations).toEqual([
      expect.stringContaining('entry 4 follows entry 2'),
    ]);
    expect(told().commits({ records: { 'o/1/2': tell } }).violations).toEqual([
      expect.stringContaining('entry 2 follows entry 2'),
    ]);
  });

  it('TK5 finds a message that is taken before its commit is known', () => {
    const history = told();
    history.sends({ records: { 'o/1/3': tell } });
    history.sends({ partition: 1, records: { 'w/0': taken(3) } });
    expect(history.violations).toEqual([expect.stringContaining('entry 3 is taken, and its sender has committed 2')]);
  });

  it('TK5 finds a message that is forgotten before it is taken', () => {
    const history = told().commits({ partition: 1, records: { 'w/0': taken(1) } });
    history.commits({ records: { 'o/1/1': null } });
    expect(history.violations).toEqual([expect.stringContaining('entry 1 is forgotten, and its receiver has taken 1')]);
  });

  it('TK5 finds a receiver that goes back', () => {
    const history = told().commits({ partition: 1, records: { 'w/0': taken(2) } });
    history.commits({ partition: 1, records: { 'w/0': taken(1) } });
    expect(history.violations).toEqual([expect.stringContaining('it goes back from entry 2 to 1')]);
  });

  it('TK5 finds a request that is taken without an answer, answered apart from that, or answered twice', () => {
    const asked = (): History => new History(streamsBetweenShards()).commits({ records: { 'o/1/1': ask } });
    const unanswered = asked().commits({ partition: 1, records: { 'w/0': taken(1) } });
    expect(unanswered.violations).toEqual([expect.stringContaining('its answer is not in the same commit')]);

    const apart = asked().commits({ partition: 1, records: { 'o/0/1': answer } });
    expect(apart.violations).toEqual([expect.stringContaining('is answered by a commit that does not take it')]);

    const twice = asked().commits({ partition: 1, records: { 'w/0': taken(1), 'o/0/1': answer } });
    twice.commits({ partition: 1, records: { 'o/0/2': answer } });
    expect(twice.violations).toContainEqual(expect.stringContaining('is answered twice'));
  });

  it('TK5 finds what leaves through the log before it is durable', () => {
    const delivery = encodeRouted({ type: 'delivery', from: 0, entries: [{ number: 3, bytes: tell }] });
    const sent = told().tell({
      type: 'append',
      topic: 'flow.events',
      partition: 1,
      records: [{ key: '', value: delivery }],
    });
    expect(sent.violations).toEqual([expect.stringContaining('entry 3 leaves, and its sender has committed 2')]);

    const ack = encodeRouted({ type: 'ack', from: 1, number: 1, resend: false });
    const heard = told().tell({
      type: 'append',
      topic: 'flow.events',
      partition: 0,
      records: [{ key: '', value: ack }],
    });
    expect(heard.violations).toEqual([expect.stringContaining('1 entries are acknowledged, 0 durably taken')]);
  });
});
