/** The errors of all workers, as one of them has read them. */
import { describe, expect, it } from 'vitest';
import type { ReportedError } from '../../../src/actors/rpc/index.ts';
import { ErrorList } from '../../../src/worker/errors/error-list.ts';
import { recordOf } from '../../../src/worker/errors/record.ts';

function error(id: string, more: Partial<ReportedError> = {}): ReportedError {
  return {
    ...{ id, worker: 'w-1', service: 'flow', severity: 'error', code: 'E', message: id, causes: [], remedy: '' },
    ...{ since: 0, at: 0, count: 1, ...more },
  };
}

function listed(...errors: readonly ReportedError[]) {
  const time = { now: 0 };
  const list = new ErrorList(() => time.now);
  const read = (from: number, ...some: readonly ReportedError[]): void =>
    list.take(
      some.map((one, index) => ({ key: '', offset: from + index, value: recordOf(one).value ?? new Uint8Array() })),
    );
  read(0, ...errors);
  const ids = (query: Parameters<ErrorList['page']>[0] = { limit: 10 }) => list.page(query).errors.map(({ id }) => id);
  return { time, list, read, ids };
}

const many = (count: number, from = 0): ReportedError[] =>
  Array.from({ length: count }, (_, index) => error(`e-${from + index}`));

describe('the list of errors', () => {
  it('MO11 gives the newest first, a page at a time', () => {
    const { list, ids } = listed(...many(5));
    const page = list.page({ limit: 2 });
    expect(page.errors.map(({ id }) => id)).toEqual(['e-4', 'e-3']);
    expect(ids({ limit: 2, before: page.cursor })).toEqual(['e-2', 'e-1']);
    expect(list.page({ limit: 2, before: 2 })).toMatchObject({ errors: [{ id: 'e-0' }], cursor: undefined });
  });

  it('MO11 is looked through by worker, service, code and time', () => {
    const { ids } = listed(
      error('a', { worker: 'w-2' }),
      error('b', { service: 'rpc' }),
      error('c', { code: 'F' }),
      error('d', { at: 5 }),
    );
    expect(ids({ limit: 10, worker: 'w-2' })).toEqual(['a']);
    expect(ids({ limit: 10, service: 'rpc' })).toEqual(['b']);
    expect(ids({ limit: 10, code: 'F' })).toEqual(['c']);
    expect(ids({ limit: 10, since: 5 })).toEqual(['d']);
  });

  it('MO11 is followed from any position, oldest first, and tells when there is more', () => {
    const { list, read } = listed(...many(3));
    const { errors, next } = list.after(1, { limit: 10 });
    expect(errors.map(({ id }) => id)).toEqual(['e-1', 'e-2']);
    let told = 0;
    const end = list.listen(() => {
      told += 1;
    });
    read(3, error('new', { service: 'rpc' }));
    expect([told, list.after(next, { limit: 10 }).errors]).toMatchObject([1, [{ id: 'new', position: 4 }]]);
    // What does not fit is passed over once, not again and again.
    expect(list.after(next, { limit: 10, service: 'http' })).toMatchObject({ errors: [], next: 4 });
    end();
    read(4, error('newer'));
    expect(told).toBe(1);
    expect(list.after(0, { limit: 2 })).toMatchObject({ errors: [{ id: 'e-0' }, { id: 'e-1' }], next: 2 });
  });

  it('MO11 counts a record once that was written twice, or read twice, and passes over what is none', () => {
    const { list, read, ids } = listed(error('a'), error('a'), error('b'));
    read(0, error('c'));
    list.take([{ key: '', offset: 3, value: Buffer.from('{"id": 7}') }]);
    expect([ids(), list.next]).toEqual([['b', 'a'], 4]);
  });

  it('MO11 W7 keeps the newest 5,000, and says how far the stream may be trimmed', () => {
    const { list, read } = listed(...many(5_499));
    expect([list.page({ limit: 10_000 }).errors.length, list.toTrim()]).toEqual([5_499, undefined]);
    read(5_499, ...many(1, 5_499));
    expect(list.page({ limit: 10_000 }).errors.length).toBe(5_000);
    expect([list.toTrim(), list.toTrim()]).toEqual([500, undefined]);
  });

  it('MO11 W7 shows nothing that is older than a week, and lets it go', () => {
    const { time, list, read, ids } = listed(...many(600));
    time.now = 7 * 24 * 3_600_000 + 1;
    expect(ids()).toEqual([]);
    read(600, error('new', { at: time.now }));
    expect([ids(), list.toTrim()]).toEqual([['new'], 600]);
  });
});
