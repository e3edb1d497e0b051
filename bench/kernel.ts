/**
 * The actor kernel alone: messages a second, asks, spawns and restarts, and how late a timer is under flood.
 * Only completed work is counted. Runs alone too: `node --expose-gc bench/kernel.ts` (without it, memory is left out).
 */
import { performance } from 'node:perf_hooks';
import { type ActorSystem, type Behavior, createActorSystem, type Ref } from '../src/actors/kernel/index.ts';
import { silentLogger, systemClock, systemRandom } from '../src/ports/index.ts';
import type { Measurement } from './figures.ts';
import { livesBench } from './kernel-lives.ts';

type Message = { readonly type: 'add' } | { readonly type: 'get'; readonly replyTo: Ref<number> };

const within = { withinMs: 60_000 };
/** The best of so many rounds: the first ones pay for compilation. */
const rounds = 5;

const counter: Behavior<Message> = () => {
  let sum = 0;
  return {
    message(message) {
      if (message.type === 'add') sum += 1;
      else message.replyTo.tell(sum);
    },
  };
};

/** Measures the kernel on this machine. */
export async function kernelBench(): Promise<Measurement[]> {
  return [
    { name: 'kernel: tell over 10,000 actors', value: await tellMany(10_000, 2_000_000), unit: 'messages/s' },
    { name: 'kernel: tell to one actor', value: await tellMany(1, 2_000_000), unit: 'messages/s' },
    { name: 'kernel: tell between two actors', value: await pingPong(200_000), unit: 'messages/s' },
    { name: 'kernel: ask, one after the other', value: await askInTurn(100_000), unit: 'asks/s' },
    { name: 'kernel: ask, 1,000 at once', value: await askAtOnce(200_000, 1_000), unit: 'asks/s' },
    ...(await livesBench(newSystem)),
    { name: 'kernel: crash, restart, answer', value: await restart(20_000), unit: 'us' },
    { name: 'kernel: latest 10 ms timer under flood', value: await timerUnderFlood(5_000), unit: 'ms late' },
  ];
}

function newSystem(): ActorSystem {
  return createActorSystem({ clock: systemClock(), random: systemRandom(), logger: silentLogger });
}

function get(system: ActorSystem, ref: Ref<Message>): Promise<number> {
  return system.ask(ref, (replyTo: Ref<number>) => ({ type: 'get', replyTo }), within);
}

async function best(round: () => Promise<number>): Promise<number> {
  let result = 0;
  for (let n = 0; n < rounds; n += 1) result = Math.max(result, await round());
  return Math.round(result);
}

async function tellMany(actors: number, messages: number): Promise<number> {
  const system = newSystem();
  const capacity = messages / actors + 1;
  const refs = Array.from({ length: actors }, (_, n) => system.spawn(`actor-${n}`, counter, { capacity }));
  await Promise.all(refs.map((ref) => get(system, ref)));
  const add: Message = { type: 'add' };
  let expected = 0;
  const result = await best(async () => {
    const start = performance.now();
    for (let n = 0; n < messages / actors; n += 1) for (const ref of refs) ref.tell(add);
    const sums = await Promise.all(refs.map((ref) => get(system, ref)));
    const seconds = (performance.now() - start) / 1_000;
    expected += messages;
    const handled = sums.reduce((sum, each) => sum + each, 0);
    if (handled !== expected) throw new Error(`${handled} messages were handled, not ${expected}`);
    return messages / seconds;
  });
  await system.terminate();
  return result;
}

interface Ball {
  readonly from: Ref<Ball>;
}

async function pingPong(messages: number): Promise<number> {
  const system = newSystem();
  const result = await best(async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = messages;
    const player: Behavior<Ball> = ({ self }) => {
      const ball: Ball = { from: self };
      return {
        message({ from }) {
          left -= 1;
          if (left === 0) resolve();
          else from.tell(ball);
        },
      };
    };
    const ping = system.spawn('ping', player);
    const pong = system.spawn('pong', player);
    const start = performance.now();
    ping.tell({ from: pong });
    await promise;
    const seconds = (performance.now() - start) / 1_000;
    await Promise.all([system.stop(ping), system.stop(pong)]);
    return messages / seconds;
  });
  await system.terminate();
  return result;
}

async function askInTurn(asks: number): Promise<number> {
  const system = newSystem();
  const ref = system.spawn('asked', counter);
  const result = await best(async () => {
    const start = performance.now();
    for (let n = 0; n < asks; n += 1) await get(system, ref);
    return asks / ((performance.now() - start) / 1_000);
  });
  await system.terminate();
  return result;
}

async function askAtOnce(asks: number, atOnce: number): Promise<number> {
  const system = newSystem();
  const ref = system.spawn('asked', counter);
  const result = await best(async () => {
    const start = performance.now();
    for (let n = 0; n < asks; n += atOnce) {
      await Promise.all(Array.from({ length: atOnce }, () => get(system, ref)));
    }
    return asks / ((performance.now() - start) / 1_000);
  });
  await system.terminate();
  return result;
}

async function restart(crashes: number): Promise<number> {
  const system = newSystem();
  type Fragile = 'crash' | { readonly replyTo: Ref<boolean> };
  const fragile: Behavior<Fragile> = () => ({
    message(message) {
      if (message === 'crash') throw boom;
      message.replyTo.tell(true);
    },
  });
  const boom = new Error('boom');
  const ref = system.spawn('fragile', fragile, { onFailure: () => ({ type: 'restart', delayMs: 0 }) });
  const perSecond = await best(async () => {
    const start = performance.now();
    for (let n = 0; n < crashes; n += 1) {
      ref.tell('crash');
      await system.ask(ref, (replyTo: Ref<boolean>) => ({ replyTo }), within);
    }
    return crashes / ((performance.now() - start) / 1_000);
  });
  await system.terminate();
  return round1(1_000_000 / perSecond);
}

/** How late a 10 ms timer is at worst while so many actors, each always with work, use 70 us a message (AK10). */
async function timerUnderFlood(actors: number): Promise<number> {
  const system = newSystem();
  const end = performance.now() + 2_000;
  const busy: Behavior<'go'> = ({ self }) => ({
    message() {
      const until = performance.now() + 0.07;
      while (performance.now() < until);
      if (until < end) self.tell('go');
    },
  });
  for (let n = 0; n < actors; n += 1) system.spawn(`busy-${n}`, busy).tell('go');
  let latest = 0;
  await new Promise<void>((resolve) => {
    const arm = (): void => {
      const due = performance.now() + 10;
      setTimeout(() => {
        latest = Math.max(latest, performance.now() - due);
        if (performance.now() < end) arm();
        else resolve();
      }, 10);
    };
    arm();
  });
  await system.terminate();
  return round1(latest);
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}

if (import.meta.main) console.table(await kernelBench());
