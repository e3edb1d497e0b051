import { describe, expect, it } from 'vitest';
import { hashOnly } from '../../../../src/actors/flow/acts.ts';
import { configurationKey, configurationRecord } from '../../../../src/actors/flow/index.ts';
import type { AuditValue } from '../../../../src/persistence/index.ts';
import { audit } from '../../../../src/testing/simulation/invariants/audit.ts';
import { chain } from './chain.ts';
import { History } from './history.ts';

const named = (text: string): AuditValue => hashOnly(Buffer.from(text));
const runWith = (text: string) => ({ [configurationKey]: configurationRecord.encode(named(text)) });

/** A node, what its shard writes and what is ordered; the invariant hears of it. */
function node() {
  const history = new History(audit());
  const { append } = chain();
  const order = (act: string, subject: string, reason: string) => append(act, { flowId: '', subject, reason });
  const configured = (before: string, after: string) =>
    append('configure', { flowId: '', before: named(before), after: named(after) });
  return {
    history,
    notes: (...entries: readonly Parameters<typeof order>[]) =>
      history.commits({ audit: entries.map((entry) => order(...entry)) }),
    orders: (key: string, reason?: string) => history.tell({ type: 'ordered', key, reason }),
    /** It lets a worker take shards again, before any shard has noted that. */
    late: (key: string, why: string) => history.tell({ type: 'ordered', key, reason: undefined, late: why }),
    /** It is run with `after`, and says in the audit what `entry` says. */
    runs: (after: string, ...entry: readonly Parameters<typeof configured>[]) =>
      history.commits({ records: runWith(after), audit: entry.map((one) => configured(...one)) }),
  };
}

describe('what is done to a node is in the audit first', () => {
  it('SM17 TK5 says nothing of orders that are noted, and of configurations that are', () => {
    const { history, notes, orders, runs } = node();
    notes(['drain', 'one', 'disk']);
    orders('drain/one', 'disk');
    notes(['undrain', 'one', 'disk'], ['move shard', '3', 'a try']);
    orders('drain/one');
    orders('move/flow/3', 'a try');
    runs('first');
    runs('second', ['first', 'second']);
    expect(history.violations).toEqual([]);
  });

  it('SM17 WK9 says nothing of an order that could only be noted once it was given out', () => {
    const { history, notes, late } = node();
    late('drain/one', 'mended');
    notes(['undrain', 'one', 'mended']);
    expect(history.violations).toEqual([]);
  });

  it.each<[string, (of: ReturnType<typeof node>) => unknown, RegExp]>([
    [
      'an order that is not noted',
      ({ orders }) => orders('drain/one', 'disk'),
      /drain\/one" is given out, and it is not/,
    ],
    [
      'an order that is noted of another worker',
      ({ notes, orders }) => {
        notes(['drain', 'two', 'disk']);
        orders('drain/one', 'disk');
      },
      /is given out, and it is not in the audit/,
    ],
    [
      'a second withdrawal of which there is one note',
      ({ notes, orders }) => {
        notes(['undrain', 'one', 'mended']);
        orders('drain/one');
        orders('drain/one');
      },
      /"undrain drain\/one" is given out/,
    ],
    [
      'a note of a late order that stands for another one, too',
      ({ notes, orders, late }) => {
        late('drain/one', 'mended');
        notes(['undrain', 'one', 'mended']);
        orders('drain/one');
      },
      /"undrain drain\/one" is given out/,
    ],
    [
      'a late order that is noted twice',
      ({ notes, late }) => {
        late('drain/one', 'mended');
        notes(['undrain', 'one', 'mended'], ['undrain', 'one', 'mended']);
      },
      /"undrain one" \(mended\) is audited twice/,
    ],
    [
      'an order that is noted twice',
      ({ notes }) => notes(['drain', 'one', 'disk'], ['drain', 'one', 'disk']),
      /"drain one" \(disk\) is audited twice/,
    ],
    [
      'another configuration that is not audited',
      ({ runs }) => {
        runs('first');
        runs('second');
      },
      /another configuration, and 0 changes are audited/,
    ],
    [
      'another configuration that is audited twice',
      ({ runs }) => {
        runs('first');
        runs('second', ['first', 'second'], ['first', 'second']);
      },
      /2 changes are audited/,
    ],
    ['a first configuration that is audited', ({ runs }) => runs('first', ['none', 'first']), /none has changed/],
    [
      'a configuration that has not changed',
      ({ runs }) => {
        runs('first');
        runs('first', ['first', 'first']);
      },
      /is audited, and has not changed/,
    ],
    [
      'other configurations than those it was run with',
      ({ runs }) => {
        runs('first');
        runs('second', ['zeroth', 'second']);
      },
      /other configurations than the shard has been run with/,
    ],
  ])('SM17 TK5 sees %s', (_what, does, why) => {
    const of = node();
    does(of);
    expect(of.history.violations[0]).toMatch(why);
  });
});
