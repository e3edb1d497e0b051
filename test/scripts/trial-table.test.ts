import { describe, expect, it } from 'vitest';
import { rowsIn, type TrialRow, tableOf } from '../../scripts/trial-table.ts';

const row: TrialRow = { name: 'SIGKILL', payments: 1_500, lost: 0, doubled: 0, stallMs: 2_345, again: 7 };

describe('the table of trials', () => {
  it('has a line for each trial, added up over its runs, with the longest stall of all', () => {
    const rows = [row, { ...row, name: 'other', again: 0 }, { ...row, lost: 1, stallMs: 9_000 }];
    expect(tableOf(rows).split('\n').slice(2)).toEqual([
      '| SIGKILL | 2 | 3,000 | 1 | 0 | 9.0 s | 14 |',
      '| other | 1 | 1,500 | 0 | 0 | 2.3 s | 0 |',
    ]);
  });

  it('says where the node was to stand still', () => {
    expect(tableOf([row, { ...row, stallMs: 'stopped' }])).toMatch(/\| 0 \| stopped \| 14 \|$/);
  });

  it('is read from what the runs have kept, one line each', () => {
    expect(rowsIn(`${JSON.stringify(row)}\n${JSON.stringify(row)}\n`)).toEqual([row, row]);
  });
});
