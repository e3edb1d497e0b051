/** Workers that are not heard of any more, as the others tell of them: on the model of a broker, in virtual time. */
import { expect, it } from 'vitest';
import { cluster } from './cluster.ts';

it('MO11 a worker that is not heard of is told of once, each time; one that said that it ends is not', async () => {
  const { told, worker, run, pass } = await cluster();
  const [a, b, c] = [await worker('a', 1), await worker('b', 2), await worker('c', 3)];
  await pass(a.beat, b.beat, c.beat);
  expect(told).toEqual([]);
  await run(c.one.bye());
  await pass(a.beat);
  expect(told).toEqual(['a: b']);
  await pass(a.beat, b.beat);
  expect(told).toEqual(['a: b']);
  await pass(a.beat);
  expect(told).toEqual(['a: b', 'a: b']);
});

it('MO11 a worker that was cut off itself takes nobody for silent', async () => {
  const { told, worker, faults, run, pass } = await cluster();
  const [a, b] = [await worker('a', 1), await worker('b', 2)];
  await pass(a.beat, b.beat);
  faults(({ client }) => (client === 'b' ? 'lost' : 'ok'));
  const late: Promise<void>[] = [];
  await pass(a.beat, async () => void late.push(b.beat()));
  faults(() => 'ok');
  await run(Promise.all(late));
  await pass(a.beat, b.beat);
  // The other one was right: it had not heard of it.
  expect(told).toEqual(['a: b']);
});
