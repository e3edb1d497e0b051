import { describe, expect, it } from 'vitest';
import { virtualClock } from '../../../../src/testing/index.ts';
import { GatheredProduces } from '../../../../src/transport/log/kafka/wire/gathered-produces.ts';
import { type ProduceAnswer, type ProduceRequest, WireFailure } from '../../../../src/transport/log/kafka/wire.ts';

const one = { host: 'one', port: 9092 };
const other = { host: 'other', port: 9092 };
const start = virtualClock().now();

function batch(partition: number, bytes = 1, topic = 'state'): ProduceRequest {
  return { topic, partition, records: [{ key: null, value: new Uint8Array(bytes) }], timestampMs: 0 };
}

/** Requests as they leave, by broker and partitions; each batch is answered with its partition as offset. */
function gathered(answer?: () => Promise<readonly ProduceAnswer[]>, opened?: Promise<void>) {
  const clock = virtualClock();
  const left: string[] = [];
  const produces = new GatheredProduces({
    clock,
    send: async (at, batches, leaving) => {
      await opened;
      leaving();
      left.push(`${at.host}: ${batches.map(({ topic, partition }) => `${topic}/${partition}`).join(' ')}`);
      return (await answer?.()) ?? batches.map(({ partition }) => ({ error: 0, baseOffset: partition }));
    },
  });
  return { clock, left, produces };
}

describe('batches that set out at the same time', () => {
  it('WK1 travel in one request for each broker, and each has its own answer', async () => {
    const { clock, left, produces } = gathered();
    const answers = Promise.all([
      produces.produce(one, batch(3), start),
      produces.produce(other, batch(4), start),
      Promise.resolve().then(() => produces.produce(one, batch(5, 1, 'status'), start)),
    ]);
    await clock.advance(0);
    expect(left).toEqual(['one: state/3 status/5', 'other: state/4']);
    expect((await answers).map(({ baseOffset }) => baseOffset)).toEqual([3, 4, 5]);
  });

  it('WK1 go one after the other when they are of the same partition', async () => {
    const { clock, left, produces } = gathered();
    for (const partition of [1, 2, 1]) void produces.produce(one, batch(partition), start);
    await clock.advance(0);
    expect(left).toEqual(['one: state/1 state/2', 'one: state/1']);
  });

  it('WK1 leave a large one to itself', async () => {
    const { clock, left, produces } = gathered();
    for (const [partition, bytes] of [
      [1, 10],
      [2, 250_000],
      [3, 20_000],
      [4, 10],
    ] as const) {
      void produces.produce(one, batch(partition, bytes), start);
    }
    await clock.advance(0);
    expect(left).toEqual(['one: state/1 state/2', 'one: state/3 state/4']);
  });

  it('WK1 all fail with their request, and the next ones do not', async () => {
    let failing = true;
    const { clock, produces } = gathered(async () => {
      if (failing) throw new WireFailure('the connection broke');
      return [{ error: 0, baseOffset: 7 }];
    });
    const failed = Promise.allSettled([produces.produce(one, batch(1), start), produces.produce(one, batch(2), start)]);
    await clock.advance(0);
    expect((await failed).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    failing = false;
    const again = produces.produce(one, batch(1), start);
    await clock.advance(0);
    expect(await again).toEqual({ error: 0, baseOffset: 7 });
  });

  it('WK5 do not leave any more when their process stood still on the way', async () => {
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { clock, left, produces } = gathered(undefined, opened);
    const outcome = produces.produce(one, batch(1), start).catch((error: unknown) => error);
    await clock.advance('20 s');
    open();
    await clock.advance(0);
    expect([await outcome, left]).toEqual([expect.any(WireFailure), []]);
  });
});
