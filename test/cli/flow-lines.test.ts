import { describe, expect, it } from 'vitest';
import { FlowLines } from '../../src/cli/flow-lines.ts';
import type { FlowAnswer } from '../../src/cli/node-client.ts';

function flow(parts: Partial<FlowAnswer> = {}): FlowAnswer {
  return {
    ...{ flowId: 'f-1', flow: 'buy', member: { name: 'ACME', group: 'default' }, clientRequestId: 'r' },
    ...{ status: 'RUNNING', stage: 'start', startedBy: 'who' },
    ...{ createdAt: '2026-11-23T09:00:00.000Z', updatedAt: '2026-11-23T09:00:00.000Z' },
    ...parts,
  };
}

const report = (number: number) => ({ number, at: `2026-11-23T09:00:0${number}.000Z`, text: `${number} of 3 done` });

describe('flows in lines', () => {
  it('shows what is new: status, stage, error, and each report on progress', () => {
    const lines = new FlowLines();
    expect(lines.of(flow({ progress: [report(1), report(2)] }), false)).toBe(
      '2026-11-23 09:00:01  progress   1: 1 of 3 done\n' +
        '2026-11-23 09:00:02  progress   2: 2 of 3 done\n' +
        '2026-11-23 09:00:00  RUNNING    start\n',
    );
    expect(lines.of(flow({ progress: [report(2), report(3)] }), false)).toBe(
      '2026-11-23 09:00:03  progress   3: 3 of 3 done\n',
    );
    const updatedAt = '2026-11-23T09:00:05.000Z';
    const error = { code: 'declined', message: 'too dear\nby far' };
    expect(lines.of(flow({ status: 'FAILED', stage: 'pay', updatedAt, error }), true)).toBe(
      '2026-11-23 09:00:05  f-1  buy  ACME  FAILED     pay  declined: too dear\n',
    );
  });

  it('shows nothing that was told before', () => {
    const lines = new FlowLines();
    lines.of(flow({ status: 'COMPLETED', progress: [report(1)] }), true);
    lines.of(flow({ flowId: 'f-2' }), true);
    expect(lines.of(flow({ status: 'COMPLETED', progress: [report(1)] }), true)).toBe('');
  });
});
