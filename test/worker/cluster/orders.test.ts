/** Orders of operators that come at awkward moments: on the model of a broker, in virtual time. */
import { describe, expect, it } from 'vitest';
import type { Authority } from '../../../src/ports/index.ts';
import { codeOf } from '../../transport/log/kafka/world.ts';
import { cluster } from './cluster.ts';

const authority: Authority = { principal: { name: 'ada', kind: 'operator' }, reason: 'disk' };
const noting = async (): Promise<void> => undefined;

/** Workers that take shards, and one that only answers clients. */
async function workers(...names: readonly string[]) {
  const rig = await cluster();
  const takers = await Promise.all(names.map((name, n) => rig.worker(name, n + 1)));
  const front = await rig.worker('front', 9, ['rpc']);
  const beats = [...takers, front].map(({ beat }) => beat);
  await rig.pass(...beats);
  const drained = (): string[] =>
    front.one.workers().flatMap(({ worker, drained }) => (drained === undefined ? [] : [worker]));
  return { ...rig, takers, front, beats, drained };
}

type Rig = Awaited<ReturnType<typeof workers>>;
type Asked = Rig['front']['one'];

const drain = (asked: Asked | undefined, worker: string, note = noting): Promise<string> =>
  asked === undefined ? Promise.reject(new Error('no worker')) : codeOf(asked.drain(worker, authority, note));

describe('WK9 drains that are asked for at once', () => {
  it.each([1, 2, 3])('leave one of %i workers that takes shards, whoever is asked', async (count) => {
    const { takers, front, run, drained } = await workers(...['a', 'b', 'c'].slice(0, count));
    const asked = takers.map(({ one }, n) => drain(n === 0 ? front.one : one, one.self));
    const outcomes = await run(Promise.all(asked));
    expect(outcomes.sort()).toEqual(['WEIR_WORKER_LAST', ...Array<string>(count - 1).fill('done')]);
    expect(drained().length).toBe(count - 1);
  });

  it('are refused before they are noted', async () => {
    const { takers, run } = await workers('a', 'b');
    const notes: string[] = [];
    const asked = takers.map(({ one }) => drain(one, one.self, async () => void notes.push(one.self)));
    const outcomes = await run(Promise.all(asked));
    expect(notes).toEqual(takers.flatMap(({ one }, n) => (outcomes[n] === 'done' ? [one.self] : [])));
  });

  it('count for nothing once they could not be noted, or their worker has died before they were', async () => {
    const { takers, front, run, pass, broker, drained } = await workers('a', 'b', 'c');
    const [a, b, c] = takers;
    const failed = await run(drain(front.one, 'a', () => Promise.reject(new Error('not noted'))));
    const left = b?.one.drain('a', authority, () => new Promise(() => undefined));
    left?.catch(() => undefined);
    await pass(...takers.map(({ beat }) => beat), front.beat);
    expect(await run(drain(front.one, 'c'))).toBe('done');
    expect(await run(drain(front.one, 'b'))).toBe('WEIR_WORKER_LAST');
    broker.crash('b');
    await pass(...[a, c, front].flatMap((one) => one?.beat ?? []));
    await run(front.one.undrain('c', authority, noting));
    expect([failed, await run(drain(front.one, 'c'))]).toEqual([expect.stringContaining('not noted'), 'done']);
    expect(drained()).toEqual(['c']);
  });
});

describe('WK9 a worker takes shards again', () => {
  it('though no shard runs that could note it: it is noted once one does', async () => {
    const { takers, front, run, clock, drained } = await workers('a', 'b');
    expect(await run(drain(front.one, 'a'))).toBe('done');
    let note = (): void => undefined;
    const noted = new Promise<void>((resolve) => {
      note = resolve;
    });
    const answers: string[] = [];
    void codeOf(takers[1]?.one.undrain('a', authority, () => noted) ?? noted).then((code) => answers.push(code));
    await clock.advance('4 s');
    expect([drained(), answers]).toEqual([[], []]);
    note();
    await clock.advance(1);
    expect(answers).toEqual(['done']);
  });

  it('after that has been noted, where one runs, and not at all when it may not', async () => {
    const { front, run, drained } = await workers('a', 'b');
    expect(await run(drain(front.one, 'a'))).toBe('done');
    const refused = front.one.undrain('a', authority, () => Promise.reject(new Error('forbidden')));
    expect([await run(codeOf(refused)), drained()]).toEqual([expect.stringContaining('forbidden'), ['a']]);
    const before: string[][] = [];
    await run(front.one.undrain('a', authority, async () => void before.push(drained())));
    await run(drain(front.one, 'b'));
    expect([before, drained()]).toEqual([[['a']], ['b']]);
  });
});
