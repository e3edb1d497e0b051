/** nact alone: the same work as `../kernel.ts`, on its own actors. */
import { dispatch, query, type Ref, spawn, start, stop } from 'nact';
import { best, microsecondsEach, perSecond, print } from './measure.ts';

const actors = 10_000;
const system = start();
/** nact draws names of 31 bits when it is given none, and two of some ten thousand collide now and then. */
let named = 0;
const nextName = (): string => {
  named += 1;
  return `actor-${named}`;
};

function answering(state: undefined, replyTo: Ref<number>): undefined {
  dispatch(replyTo, 1);
  return state;
}

async function tellMany(messages: number): Promise<number> {
  let left = messages;
  const { promise, resolve } = Promise.withResolvers<void>();
  const refs = Array.from({ length: actors }, () =>
    spawn(
      system,
      (sum: number = 0) => {
        left -= 1;
        if (left === 0) resolve();
        return sum + 1;
      },
      nextName(),
    ),
  );
  const began = performance.now();
  for (let n = 0; n < messages / actors; n += 1) for (const ref of refs) dispatch(ref, 'add');
  await promise;
  const rate = perSecond(messages, began);
  for (const ref of refs) stop(ref);
  return rate;
}

async function pingPong(messages: number): Promise<number> {
  let left = messages;
  const { promise, resolve } = Promise.withResolvers<void>();
  const player = (): Ref<unknown> => {
    const self: Ref<unknown> = spawn(
      system,
      (state: undefined, from: Ref<unknown>) => {
        left -= 1;
        if (left === 0) resolve();
        else dispatch(from, self);
        return state;
      },
      nextName(),
    );
    return self;
  };
  const [ping, pong] = [player(), player()];
  const began = performance.now();
  dispatch(ping, pong);
  await promise;
  const rate = perSecond(messages, began);
  stop(ping);
  stop(pong);
  return rate;
}

async function ask(asks: number): Promise<number> {
  const ref = spawn(system, answering, nextName());
  const began = performance.now();
  for (let n = 0; n < asks; n += 1) await query(ref, (replyTo: Ref<number>) => replyTo, 60_000);
  const rate = perSecond(asks, began);
  stop(ref);
  return rate;
}

async function spawnMany(): Promise<number> {
  const began = performance.now();
  const refs = Array.from({ length: actors }, () => spawn(system, answering, nextName()));
  const [last] = refs.slice(-1);
  if (last !== undefined) await query(last, (replyTo: Ref<number>) => replyTo, 60_000);
  const each = microsecondsEach(refs.length, began);
  for (const ref of refs) stop(ref);
  return each;
}

const told = await best(() => tellMany(200_000));
const between = await best(() => pingPong(100_000));
const asked = await best(() => ask(50_000));
const spawned = await spawnMany();
print([
  { name: 'tell over 10,000 actors', value: told, unit: 'messages/s' },
  { name: 'tell between two actors', value: between, unit: 'messages/s' },
  { name: 'ask, one after the other', value: asked, unit: 'asks/s' },
  { name: 'spawn and start, 10,000', value: spawned, unit: 'us' },
]);
stop(system);
