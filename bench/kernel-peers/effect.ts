/**
 * Effect: a fiber that takes from its queue, which is how one writes a mailbox with it, and a cluster entity on the
 * in-memory runner, which answers questions only: it has no tell.
 */
import { Deferred, Effect, Fiber, Layer, Queue, Schema } from 'effect';
import { Entity, ShardingConfig, TestRunner } from 'effect/cluster';
import { Rpc } from 'effect/rpc';
import { best, microsecondsEach, perSecond, print } from './measure.ts';

const actors = 10_000;

interface Mailbox<Message> {
  readonly queue: Queue.Queue<Message>;
  readonly fiber: Fiber.Fiber<unknown>;
}

/** Takes all that waits at once: the fastest of the ways that Queue has. */
function mailbox<Message>(handle: (message: Message) => void): Mailbox<Message> {
  const queue = Effect.runSync(Queue.unbounded<Message>());
  const loop = Effect.forever(
    Effect.map(Queue.takeAll(queue), (messages) => {
      for (const message of messages) handle(message);
    }),
  );
  return { queue, fiber: Effect.runFork(loop) };
}

async function close(mailboxes: readonly Mailbox<never>[]): Promise<void> {
  for (const { fiber } of mailboxes) await Effect.runPromise(Fiber.interrupt(fiber));
}

async function tellMany(messages: number): Promise<number> {
  let left = messages;
  const { promise, resolve } = Promise.withResolvers<void>();
  const boxes = Array.from({ length: actors }, () => {
    return mailbox<'add'>(() => {
      left -= 1;
      if (left === 0) resolve();
    });
  });
  const began = performance.now();
  for (let n = 0; n < messages / actors; n += 1) for (const { queue } of boxes) Queue.offerUnsafe(queue, 'add');
  await promise;
  const rate = perSecond(messages, began);
  await close(boxes as unknown as Mailbox<never>[]);
  return rate;
}

async function pingPong(messages: number): Promise<number> {
  let left = messages;
  const { promise, resolve } = Promise.withResolvers<void>();
  type Ball = { readonly from: Queue.Queue<Ball> };
  const player = (): Mailbox<Ball> => {
    const self: Mailbox<Ball> = mailbox<Ball>(({ from }) => {
      left -= 1;
      if (left === 0) resolve();
      else Queue.offerUnsafe(from, { from: self.queue });
    });
    return self;
  };
  const [ping, pong] = [player(), player()];
  const began = performance.now();
  Queue.offerUnsafe(ping.queue, { from: pong.queue });
  await promise;
  const rate = perSecond(messages, began);
  await close([ping, pong] as unknown as Mailbox<never>[]);
  return rate;
}

async function ask(asks: number): Promise<number> {
  const asked = mailbox<Deferred.Deferred<number>>((replyTo) => void Deferred.doneUnsafe(replyTo, Effect.succeed(1)));
  const began = performance.now();
  for (let n = 0; n < asks; n += 1) {
    const replyTo = Deferred.makeUnsafe<number>();
    Queue.offerUnsafe(asked.queue, replyTo);
    await Effect.runPromise(Deferred.await(replyTo));
  }
  const rate = perSecond(asks, began);
  await close([asked] as unknown as Mailbox<never>[]);
  return rate;
}

async function spawnMany(): Promise<number> {
  const began = performance.now();
  const boxes = Array.from({ length: actors }, () =>
    mailbox<Deferred.Deferred<number>>((replyTo) => void Deferred.doneUnsafe(replyTo, Effect.succeed(1))),
  );
  const [last] = boxes.slice(-1);
  if (last !== undefined) {
    const replyTo = Deferred.makeUnsafe<number>();
    Queue.offerUnsafe(last.queue, replyTo);
    await Effect.runPromise(Deferred.await(replyTo));
  }
  const each = microsecondsEach(boxes.length, began);
  await close(boxes as unknown as Mailbox<never>[]);
  return each;
}

const Counter = Entity.make('Counter', [Rpc.make('Get', { success: Schema.Number })]);

/** Asks of a cluster entity on this machine, and the time until a new one has answered once. */
function entities(asks: number, made: number): Promise<{ rate: number; each: number }> {
  const cluster = Counter.toLayer({ Get: () => Effect.succeed(1) }).pipe(
    Layer.provideMerge(TestRunner.layer),
    Layer.provide(ShardingConfig.layer()),
  );
  const program = Effect.gen(function* () {
    const client = yield* Counter.client;
    yield* client('first').Get();
    const began = performance.now();
    for (let n = 0; n < asks; n += 1) yield* client('first').Get();
    const rate = Math.round(perSecond(asks, began));
    const start = performance.now();
    for (let n = 0; n < made; n += 1) yield* client(`entity-${n}`).Get();
    return { rate, each: microsecondsEach(made, start) };
  });
  return Effect.runPromise(program.pipe(Effect.provide(cluster)) as Effect.Effect<{ rate: number; each: number }>);
}

const told = await best(() => tellMany(2_000_000));
const between = await best(() => pingPong(200_000));
const asked = await best(() => ask(50_000));
const spawned = await spawnMany();
const { rate, each } = await entities(2_000, 200);
print([
  { name: 'queue and fiber: tell over 10,000', value: told, unit: 'messages/s' },
  { name: 'queue and fiber: tell between two', value: between, unit: 'messages/s' },
  { name: 'queue and fiber: ask, one after the other', value: asked, unit: 'asks/s' },
  { name: 'queue and fiber: spawn and start, 10,000', value: spawned, unit: 'us' },
  { name: 'cluster entity: ask, one after the other', value: rate, unit: 'asks/s' },
  { name: 'cluster entity: first answer of a new one', value: each, unit: 'us' },
]);
