import { describe, expect, it } from 'vitest';
import { describeFault, type Fault, faultWords, parseFault } from '../../src/testing/index.ts';

/** One of each word, and what it says. */
const sentences: ReadonlyArray<readonly [Fault, string]> = [
  [{ type: 'crash' }, 'the worker dies'],
  [{ type: 'crash', on: '/services/rpc' }, 'the actor /services/rpc fails at its next turn'],
  [{ type: 'crash', on: 'shard 3', when: 'after' }, 'the worker dies after the next write to shard 3 has taken effect'],
  [{ type: 'hang', for: '30s' }, 'the worker stands still, for 30 s'],
  [{ type: 'hang', on: '/services/rpc' }, 'the next turn of /services/rpc does not settle'],
  [{ type: 'slow', by: '200 ms', odds: 0.1 }, 'a write to the log takes 200 ms longer, with odds of 0.1'],
  [
    { type: 'lost-ack', on: 'shard flow.state/3', times: 2, for: '10 min' },
    'the acknowledgement of a write to shard flow.state/3 is lost, for 10 min, 2 times at most',
  ],
  [{ type: 'torn-write' }, 'the next write to the disk is cut in the middle, and the worker dies'],
  [{ type: 'duplicate', times: 1 }, 'a message between members arrives twice, once'],
  [{ type: 'reorder', on: 'peer ACME' }, 'a message from or to ACME is overtaken, or comes 100 ms late'],
  [{ type: 'lose', on: 'peers', odds: 0.5 }, 'a message between members never arrives, with odds of 0.5'],
  [{ type: 'partition', on: 'log', for: '3 h' }, 'the worker and the log are cut off from each other, for 3 h'],
  [{ type: 'clock-skew', by: '-5 s', drift: 0.01 }, 'the wall clock is 5 s slow, time runs 1 % too fast'],
  [{ type: 'fenced-writer', on: 'shard 0' }, 'another owner claims shard 0 and keeps it for 1 s'],
  [{ type: 'full-disk', for: 500 }, 'the disk is full, for 500 ms'],
  [{ type: 'full-mailbox', on: '/services/rpc' }, 'the mailbox of /services/rpc is full'],
];

describe('faults by name', () => {
  it('TK3 every word has a sentence', () => {
    expect(sentences.map(([fault]) => describeFault(fault))).toEqual(sentences.map(([, text]) => text));
    expect(new Set(sentences.map(([{ type }]) => type))).toEqual(new Set(faultWords));
  });

  it('TK3 is plain data: JSON gives the same fault again', () => {
    for (const [fault] of sentences) expect(parseFault(JSON.stringify(fault))).toEqual(fault);
  });

  it.each<[string, Fault]>([
    ['crash', { type: 'crash' }],
    ['hang worker for 30s', { type: 'hang', on: 'worker', for: '30s' }],
    ['lost-ack on shard 3 times 2 odds 0.5', { type: 'lost-ack', on: 'shard 3', times: 2, odds: 0.5 }],
    ['slow peers by 200 ms for 10 s', { type: 'slow', on: 'peers', by: '200 ms', for: '10 s' }],
    ['partition peer O=Bank of Ulm, C=DE', { type: 'partition', on: 'peer O=Bank of Ulm, C=DE' }],
    ['clock-skew by -5s drift 0.01', { type: 'clock-skew', by: '-5s', drift: 0.01 }],
    ['crash log when after', { type: 'crash', on: 'log', when: 'after' }],
  ])('TK3 reads "%s"', (text, fault) => {
    expect(parseFault(text)).toEqual(fault);
  });
});

describe('a fault that cannot be', () => {
  it.each<[unknown, string]>([
    ['losst-ack', 'there is no fault "losst-ack" (did you mean "lost-ack"?)'],
    ['earthquake', `there is no fault "earthquake"; there are: ${faultWords.join(', ')}`],
    [17, 'it must be an object'],
    [{}, 'type must be the name of a fault'],
    ['{"type": ', 'the text is no JSON'],
    [{ type: 'lost-ack', on: 'clock' }, 'lost-ack cannot be aimed at "clock"; it takes log or shard N'],
    [
      { type: 'lost-ack', time: 2 },
      'lost-ack takes no "time" (did you mean "times"?); it takes on, for, times or odds',
    ],
    ['lost-ack times two', 'times must be a whole number from 1'],
    ['lost-ack odds 0', 'odds must be above 0'],
    ['lost-ack odds 1.5', 'odds must be at most 1'],
    ['lost-ack for ever', 'lost-ack: "for": "ever" is not a duration'],
    ['slow', 'slow: it needs "by"'],
    ['slow by -1s', 'slow: "by": "-1s" is not a duration'],
    ['hang', 'hang: a worker that hangs needs "for"'],
    ['partition', 'partition needs a target: log, peers or peer NAME'],
    ['full-mailbox', 'full-mailbox needs a target: /path/of/an/actor'],
    ['clock-skew', 'clock-skew: it needs "by" (such as "-5 s") or "drift" (such as 0.01)'],
    ['clock-skew drift -1', 'drift must be above -1'],
    ['crash when never', 'when must be "before" or "after"'],
  ])('TK3 is refused in one sentence: %j', (given, why) => {
    expect(() => parseFault(given)).toThrow(
      expect.objectContaining({ code: 'WEIR_FAULT_INVALID', message: expect.stringContaining(why) }),
    );
  });
});
