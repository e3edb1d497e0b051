/** Random sequences about one partition: claims, batches right and wrong, reads, trimming. */
import fc from 'fast-check';
import { batchBytes } from '../../../../../src/transport/log/kafka/model/stored-batch.ts';
import type { WireRecord } from '../../../../../src/transport/log/kafka/wire.ts';
import type { Both, Producer } from './both.ts';

export const maxMessageBytes = 600;
export const maxAgeMs = 3_600_000;
const lastSequence = 2 ** 31 - 1;

/** Which sequence a batch carries: the right one, or one of the many wrong ones. */
const sequences = ['next', 'next', 'next', 'next', 'last', 'older', 'oldest', 'gap', 'zero', 'wrap'] as const;
const places = ['start', 'end', 'middle', 'beyond', 'before'] as const;

const record = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd'),
  value: fc.option(fc.string({ maxLength: 12 }), { nil: null }),
});

const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ type: fc.constant('claim' as const), of: fc.nat(1) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('produce' as const),
      /** 0 is the newest claim. */
      owner: fc.constantFrom(0, 0, 0, 1, 2),
      sequence: fc.constantFrom(...sequences),
      epoch: fc.constantFrom<'own' | 'next' | 'dead'>('own', 'own', 'own', 'own', 'own', 'next', 'dead'),
      records: fc.array(record, { minLength: 1, maxLength: 3 }),
      age: fc.constantFrom<'now' | 'old' | 'future'>('now', 'now', 'now', 'now', 'now', 'old', 'future'),
      /** Bytes above (or below) the greatest batch; undefined leaves it small. */
      size: fc.constantFrom(undefined, undefined, undefined, undefined, -1, 0, 1, 300),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('plain' as const), records: fc.array(record, { minLength: 1 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('keyless' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('fetch' as const),
      place: fc.constantFrom(...places),
      maxBytes: fc.constantFrom(1, 100, 200, 1_000_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('offsets' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('trim' as const), place: fc.constantFrom(...places) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('nowhere' as const) }) },
  /** So many batches in a row, then each of them again: how many repeats are known as such? */
  { weight: 1, arbitrary: fc.record({ type: fc.constant('burst' as const), batches: fc.integer({ min: 4, max: 7 }) }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
export type LogSequence = readonly Step[];

export const logSequence: fc.Arbitrary<LogSequence> = fc.array(step, { minLength: 8, maxLength: 30 });

interface Written {
  readonly sequence: number;
  readonly records: readonly WireRecord[];
}

interface Owner {
  readonly producer: Producer;
  /** Oldest first. */
  readonly written: Written[];
}

/** Does the whole sequence on both sides, ending with a read of all that it wrote. */
export async function runLogSequence(both: Both, topic: string, partition: number, name: string, steps: LogSequence) {
  const owners: Owner[] = [];
  const at = { topic, partition };
  // The clock of this machine is that of both sides; a sequence uses one moment, so that repeats are the same bytes.
  const now = Date.now();

  const claim = async (of: number): Promise<void> => {
    owners.push({ producer: await both.claim(`${name}-${of}`), written: [] });
  };
  const placed = async (place: (typeof places)[number]): Promise<number> => {
    const { offset: start } = await both.same('earliest', (wire) => wire.offset(topic, partition, 'earliest'));
    const { offset: end } = await both.same('latest', (wire) => wire.offset(topic, partition, 'latest'));
    const offsets = { start, end, middle: Math.floor((start + end) / 2), beyond: end + 1, before: start - 1 };
    return offsets[place];
  };

  const began = await placed('end');
  await claim(0);
  for (const one of steps) {
    switch (one.type) {
      case 'claim':
        await claim(one.of);
        break;
      case 'produce': {
        const owner = owners.at(-1 - (one.owner % owners.length));
        if (owner === undefined) break;
        const { sequence, repeated } = sequenceOf(owner, one.sequence);
        const records = repeated ?? sized(one.records.map(recordOf), one.size);
        const epoch = { own: owner.producer.epoch, next: owner.producer.epoch + 1, dead: 32_767 }[one.epoch];
        const timestampMs = { now, old: now - maxAgeMs - 60_000, future: now + maxAgeMs + 60_000 }[one.age];
        const producer = { ...owner.producer, epoch, sequence };
        const { error } = await both.produce({ ...at, records, timestampMs, producer });
        if (error === 0 && one.epoch === 'own' && repeated === undefined) owner.written.push({ sequence, records });
        break;
      }
      case 'burst': {
        const owner = owners.at(-1);
        if (owner === undefined) break;
        const send = ({ sequence, records }: Written) =>
          both.produce({ ...at, records, timestampMs: now, producer: { ...owner.producer, sequence } });
        for (let batch = 0; batch < one.batches; batch += 1) {
          const next = {
            sequence: sequenceOf(owner, 'next').sequence,
            records: [recordOf({ key: 'a', value: 'burst' })],
          };
          if ((await send(next)).error === 0) owner.written.push(next);
        }
        for (const again of owner.written.slice(-one.batches)) await send(again);
        break;
      }
      case 'plain':
        await both.produce({ ...at, records: one.records.map(recordOf), timestampMs: now });
        break;
      case 'keyless':
        await both.produce({ ...at, records: [{ key: null, value: Buffer.from('v') }], timestampMs: now });
        break;
      case 'fetch':
        await both.fetch({ ...at, offset: await placed(one.place), maxBytes: one.maxBytes, maxWaitMs: 0 });
        break;
      case 'offsets':
        await placed('start');
        break;
      case 'trim': {
        const before = await placed(one.place);
        await both.same('deleteRecords', (wire) => wire.deleteRecords(topic, partition, before));
        break;
      }
      case 'nowhere':
        await both.produce({
          ...at,
          partition: 9_999,
          records: [recordOf({ key: 'a', value: 'a' })],
          timestampMs: now,
        });
        await both.same('offset', (wire) => wire.offset('no-such-topic', 0, 'latest'));
        break;
    }
  }
  const start = Math.max(began, await placed('start'));
  await both.fetch({ ...at, offset: start, maxBytes: 10_000_000, maxWaitMs: 0 });
}

function sequenceOf({ written }: Owner, mode: (typeof sequences)[number]) {
  const last = written.at(-1);
  const next = last === undefined ? 0 : (last.sequence + last.records.length) % (lastSequence + 1);
  const repeat = { last: -1, older: -3, oldest: -6 };
  if (mode === 'last' || mode === 'older' || mode === 'oldest') {
    const earlier = written.at(repeat[mode]);
    return { sequence: earlier?.sequence ?? next, repeated: earlier?.records };
  }
  const sequence = { next, gap: (next + 1) % (lastSequence + 1), zero: 0, wrap: lastSequence - 1 }[mode];
  return { sequence, repeated: undefined };
}

function recordOf({ key, value }: { readonly key: string; readonly value: string | null }): WireRecord {
  return { key, value: value === null ? null : Buffer.from(value) };
}

/** Fills the first record up so that the batch is that much above the limit. */
function sized(records: readonly WireRecord[], above: number | undefined): readonly WireRecord[] {
  const [first, ...others] = records;
  if (above === undefined || first === undefined) return records;
  const grown = (bytes: number): WireRecord[] => [{ key: first.key, value: new Uint8Array(bytes) }, ...others];
  let bytes = maxMessageBytes + above - batchBytes(grown(0));
  // Lengths are written in more bytes as they grow.
  while (batchBytes(grown(bytes)) > maxMessageBytes + above) bytes -= 1;
  return grown(bytes);
}
