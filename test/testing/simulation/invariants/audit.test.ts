import { describe, expect, it } from 'vitest';
import { anchorKey, entryKey } from '../../../../src/actors/flow/audit-keys.ts';
import { type ActRecord, chainPoint, chainStart, type FlowHead } from '../../../../src/persistence/index.ts';
import { audit } from '../../../../src/testing/simulation/invariants/audit.ts';
import { anchorAt, chain } from './chain.ts';
import { flowId, History, headBytes, type Written } from './history.ts';

const started: ActRecord = { at: 1, act: 'start', principal: 'ada', reason: '' };
const killed: ActRecord = { at: 2, act: 'kill', principal: 'bob', reason: 'not wanted' };

function flow(parts: Partial<FlowHead>): Record<string, Uint8Array> {
  return { [`c/${flowId}`]: headBytes(parts) };
}

/** What the invariant says of these commits. */
function said(...commits: readonly Written[]): readonly string[] {
  const history = new History(audit());
  for (const written of commits) history.commits(written);
  return history.violations;
}

describe('the audit is a chain of what was done', () => {
  it('TK5 says nothing of acts that are audited with what they do', () => {
    const { append, act, point } = chain();
    const first = { records: flow({ acts: [started] }), audit: [act(started)] };
    const entries = [act(killed), append('end', { subject: 'KILLED' })];
    const ended = flow({ acts: [started, killed], status: 'KILLED' });
    const second = { records: { ...ended, 'a/head': point() }, audit: entries };
    expect(said(first, second)).toEqual([]);
  });

  it.each<[string, (of: ReturnType<typeof chain>) => readonly Written[], RegExp]>([
    [
      'an act that is not audited',
      () => [{ records: flow({ acts: [started] }) }],
      /other acts than the 0|nobody has started/,
    ],
    ['a start that nobody made', () => [{ records: flow({ acts: [] }) }], /nobody has started it/],
    [
      'an entry of an act that was not done',
      ({ act }) => [{ audit: [act(started)] }],
      /"start" is audited, and it is not written/,
    ],
    [
      'an entry that says something else',
      ({ act }) => [{ records: flow({ acts: [started] }), audit: [act({ ...started, principal: 'eve' })] }],
      /tells other acts/,
    ],
    [
      'an act that is audited twice',
      ({ act }) => [{ records: flow({ acts: [started] }), audit: [act(started), act(started)] }],
      /2 acts are audited, and its history has 1/,
    ],
    [
      'an end that is not audited',
      ({ act }) => [{ records: flow({ acts: [started], status: 'COMPLETED' }), audit: [act(started)] }],
      /COMPLETED, and 0 ends are audited/,
    ],
    [
      'an end that is audited as another',
      ({ act, append }) => [
        {
          records: flow({ acts: [started], status: 'FAILED' }),
          audit: [act(started), append('end', { subject: 'KILLED' })],
        },
      ],
      /FAILED, and audited as KILLED/,
    ],
    [
      'a flow that leaves the hospital by itself',
      ({ act }) => [
        { records: flow({ acts: [started], status: 'STUCK' }), audit: [act(started)] },
        { records: flow({ acts: [started], status: 'RUNNING', retries: 1 }) },
      ],
      /nobody has let it go/,
    ],
    [
      'a chain with a hole',
      ({ act, append }) => {
        append('end');
        return [{ records: flow({ acts: [started] }), audit: [act(started)] }];
      },
      /entry 1 is missing/,
    ],
    [
      'a shard that goes on from another entry',
      ({ act }) => [
        {
          records: { ...flow({ acts: [started] }), 'a/head': chainPoint.encode({ ...chainStart, number: 1 }) },
          audit: [act(started)],
        },
      ],
      /goes on from another entry/,
    ],
    [
      'an entry that leaves before its anchor',
      ({ act }) => [{ records: flow({ acts: [started] }), audit: [act(started), [entryKey(0, 1), null]] }],
      /entry 1 has left, and the anchor is 0/,
    ],
    [
      'an anchor that is no entry',
      ({ act }) => [
        {
          records: flow({ acts: [started] }),
          audit: [act(started), [anchorKey(0), anchorAt({ ...chainStart, number: 1 })]],
        },
      ],
      /the anchor is not entry 1/,
    ],
  ])('TK5 sees %s', (_what, commits, why) => {
    expect(said(...commits(chain()))[0]).toMatch(why);
  });

  it('TK5 lets the oldest entries go, with an anchor that is true', () => {
    const { act, anchor: anchorNow } = chain();
    const first = { records: flow({ acts: [started] }), audit: [act(started)] };
    const anchor = [anchorKey(0), anchorNow()] as const;
    expect(said(first, { audit: [anchor, [entryKey(0, 1), null]] })).toEqual([]);
  });
});
