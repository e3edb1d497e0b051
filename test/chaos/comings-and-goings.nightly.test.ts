/**
 * Workers that come and go under load, in good order or killed, as real processes on a real broker: nobody loses anything
 * by it.
 */
import { expect, it } from 'vitest';
import { describeKafka } from '../rig/describe-kafka.ts';
import { writingOf } from './one-writer.ts';
import { inTurn, putToSleep } from './sleeper.ts';
import { takeoverFrom, takeoversText } from './takeover.ts';
import { nightly, payments, spreadOver, trialMs as timeout, underLoad, underLoadWithParent } from './trial.ts';

const kills = nightly ? 20 : 5;
/** More of them take long: each time a session has to run out. */
const losses = nightly ? 6 : 2;
const rounds = nightly ? 3 : 1;
/** Payments of a trial. */
const some = payments(100);

describeKafka('workers that come and go under load', {}, (kafka) => {
  it('WK10 from one to four and back to one: nothing is lost or doubled, and the ledger balances', {
    timeout,
  }, async () => {
    const trial = { name: 'one worker to four and back to one', workers: 4, atFirst: 1, seed: 11 };
    const report = await underLoad(kafka(), trial, async ({ workers, deaths, paid }) => {
      const [first, ...others] = workers;
      const part = some / (2 * workers.length - 1);
      await spreadOver(first, 1);
      await paid(part);
      for (const [index, worker] of others.entries()) {
        await worker.start();
        await spreadOver(first, index + 2);
        await paid(part);
      }
      for (const [index, worker] of others.entries()) {
        deaths.terminates(worker.name);
        await worker.stop();
        await spreadOver(first, others.length - index);
        await paid(part);
      }
    });
    expect(report.accepted).toBe(report.given);
  });

  it('WK9 three are started anew, one after the other: no request fails, and the ledger balances', {
    timeout,
  }, async () => {
    const trial = { name: 'three workers started anew in turn', workers: 3, seed: 12, balanced: true };
    const report = await underLoad(kafka(), trial, async ({ workers, deaths, paid }) => {
      for (let n = 0; n < rounds * workers.length; n++) {
        const [worker, neighbour] = inTurn(workers, n);
        await spreadOver(neighbour, 3);
        await paid(some / (2 * rounds * workers.length));
        deaths.terminates(worker.name);
        await worker.stop();
        await spreadOver(neighbour, 2);
        await paid(some / (2 * rounds * workers.length));
        await worker.start();
      }
    });
    expect([...report.causes]).toEqual([]);
  });

  it('WK2 MO11 one of four is killed with SIGKILL, again and again: nothing is lost or doubled, and the ledger balances', {
    timeout,
  }, async () => {
    // So that nobody dies more often within a minute than its parent puts up with.
    const trial = { name: `SIGKILL of a worker whose parent lives, ${kills} times`, workers: 4, seed: 13 };
    const takeovers: number[] = [];
    const report = await underLoadWithParent(kafka(), trial, async ({ workers, paid }) => {
      for (let n = 0; n < kills; n++) {
        const [victim, neighbour] = inTurn(workers, n);
        await spreadOver(neighbour, workers.length);
        expect(victim.signal('SIGKILL')).toBe(true);
        takeovers.push(await takeoverFrom(victim, neighbour));
        await paid(some / kills);
      }
    });
    process.stdout.write(`${takeoversText('the parent lives', takeovers)}\n`);
    expect(report.restarts).toBe(kills);
  });

  it('WK2 one of three is lost with its parent, again and again: its session runs out, and the ledger balances', {
    timeout,
  }, async () => {
    const trial = { name: `SIGKILL of a worker without a parent, ${losses} times`, workers: 3, seed: 14 };
    const takeovers: number[] = [];
    const report = await underLoad(kafka(), trial, async ({ workers, paid }) => {
      for (let n = 0; n < losses; n++) {
        const [victim, neighbour] = inTurn(workers, n);
        await spreadOver(neighbour, workers.length);
        victim.destroy();
        takeovers.push(await takeoverFrom(victim, neighbour));
        await paid(some / (2 * losses));
        await victim.start();
        await paid(some / (2 * losses));
      }
    });
    process.stdout.write(`${takeoversText('its host is lost', takeovers)}\n`);
    expect(report.restarts).toBe(losses);
  });

  it('WK5 one of two is stopped past its session and goes on: it commits nothing, sees it, and gives its shards up', {
    timeout,
  }, async () => {
    const times = 2 * rounds;
    const trial = { name: `SIGSTOP past the session, takeover, SIGCONT, ${times} times`, workers: 2, seed: 15 };
    let topic = '';
    await underLoad(kafka(), trial, async ({ workers, prefix, paid }) => {
      topic = `${prefix}flow.state`;
      for (let n = 0; n < times; n++) {
        const sleeper = await putToSleep(workers, n);
        await paid(some / (2 * times));
        sleeper.wake();
        await sleeper.noticed();
        await paid(some / (2 * times));
      }
    });
    const { strays, fences } = await writingOf(kafka().brokers, topic);
    expect(strays).toEqual([]);
    expect(fences).toBeGreaterThan(times);
  });
});
