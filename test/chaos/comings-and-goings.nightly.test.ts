/**
 * Workers that come and go under load, in good order or killed, as real processes on a real broker: nobody loses anything
 * by it.
 */
import { expect, it } from 'vitest';
import { describeKafka } from '../rig/describe-kafka.ts';
import { nightly, spreadOver, underLoad } from './trial.ts';

const kills = nightly ? 20 : 5;
/** Payments that are made besides. */
const some = nightly ? 3_000 : 100;
const timeout = 900_000;

describeKafka('workers that come and go under load', {}, (kafka) => {
  it('WK10 from one to four and back to one: nothing is lost or doubled, and the ledger balances', {
    timeout,
  }, async () => {
    const trial = { name: 'one worker to four and back to one', workers: 4, atFirst: 1, seed: 11 };
    const report = await underLoad(kafka(), trial, async ({ workers, deaths, paid }) => {
      const [first, ...others] = workers;
      await spreadOver(first, 1);
      for (const [index, worker] of others.entries()) {
        await worker.start();
        await spreadOver(first, index + 2);
      }
      for (const [index, worker] of others.entries()) {
        deaths.terminates(worker.name);
        await worker.stop();
        await spreadOver(first, others.length - index);
      }
      await paid(some);
    });
    expect(report.accepted).toBe(report.given);
  });

  it('WK9 three are started anew, one after the other: nothing is lost or doubled, and the ledger balances', {
    timeout,
  }, async () => {
    const trial = { name: 'three workers started anew in turn', workers: 3, seed: 12 };
    await underLoad(kafka(), trial, async ({ workers, deaths, paid }) => {
      for (const [index, worker] of workers.entries()) {
        const neighbour = workers[(index + 1) % workers.length];
        await spreadOver(neighbour, 3);
        deaths.terminates(worker.name);
        await worker.stop();
        await spreadOver(neighbour, 2);
        await worker.start();
      }
      await paid(some);
    });
  });

  it('WK2 one of three is killed with SIGKILL, again and again: nothing is lost or doubled, and the ledger balances', {
    timeout,
  }, async () => {
    const trial = { name: `SIGKILL of a worker, ${kills} times`, workers: 3, seed: 13 };
    const report = await underLoad(kafka(), trial, async ({ workers, paid }) => {
      for (let n = 0; n < kills; n++) {
        const worker = workers[n % workers.length];
        const former = worker?.pid();
        expect(worker?.signal('SIGKILL')).toBe(true);
        // The next one dies only when this one is up again: else nobody would be left.
        const again = () => worker?.url() !== undefined && worker.pid() !== former;
        await expect.poll(again, { timeout: 60_000, interval: 50 }).toBe(true);
        await paid(some / kills);
      }
      await spreadOver(workers[0], 3);
    });
    expect(report.restarts).toBe(kills);
  });
});
