/**
 * Taking a shard over: rule 1 of the fencing rules, step by step.
 *
 * (a) a new epoch of the shard's producer id; (b) a fence with it, which shuts older epochs out; (c) everything up to
 * that fence is read; (d) every other producer id that ever wrote there is shut out by a dead fence, once it is sure that
 * none of them is the newer one; (e) what those may have written meanwhile is read too, and is no fence. Then the record
 * of the claim is written, and the shard is owned. A claim that is refused on the way, or is not the newest, is given up:
 * whoever wants the shard begins again at (a).
 */
import { WeirError } from '../../../errors/index.ts';
import type { Clock, Logger, Random } from '../../../ports/index.ts';
import type { ShardId, StatePreview, Term } from '../port.ts';
import { FencedWriter } from './fenced-writer.ts';
import { Lease } from './lease.ts';
import { claimRecord, deadFenceRecord, decodeFence, fenceKey, fenceRecord } from './own-records.ts';
import { PartitionReader } from './partition-reader.ts';
import type { Patience } from './patience.ts';
import { joins, type ReadSoFar } from './read-ahead.ts';
import { isDenied, nameOf, passes } from './refusals.ts';
import { deadEpoch, type FormerClaim, ShardState } from './shard-state.ts';
import { type KafkaWire, kafkaError, type ProducerIdentity, type WireBatch, type WireRecord } from './wire.ts';

export interface ClaimingSetup {
  readonly wire: KafkaWire;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly patience: Patience;
  readonly shard: ShardId;
  /** The state topic, with the prefix; the transactional id is made of it. */
  readonly topic: string;
  readonly incarnation: number;
  readonly leaseMs: number;
  readonly fetchBytes: number;
  /** Largest sum of keys and values of one batch of repairs. */
  readonly maxBatchBytes: number;
  /** What this worker was told of the shard when it had it last. Default: it never had it. */
  readonly former?: FormerClaim | undefined;
  /** What was read before the claim began. Default: nothing. */
  readonly ahead?: ReadSoFar | undefined;
  /** Holds what the changes of the state go on from, when the claim is through; cleared if that is nothing. */
  readonly preview?: StatePreview | undefined;
  /** Why this claim is to go no further: a newer one of this worker, its deadline, the end of the log. */
  readonly ended: () => Error | undefined;
}

/** A shard that is owned: nobody else can write to its partition. */
export interface Holding {
  readonly producer: ProducerIdentity;
  readonly term: Term;
  readonly state: ShardState;
  readonly writer: FencedWriter;
  readonly lease: Lease;
  /** Other producer ids that wrote to the shard; table partitions of the shard may know them too. */
  readonly formerProducers: readonly string[];
}

/** How many producer ids are kept in mind. One more comes at most every 7 days, or every 32,766 claims. */
const rememberedProducers = 16;
/** A new fence becomes readable within milliseconds; the broker answers as soon as it is. */
const fenceWaitMs = 500;

/**
 * @throws WeirError `WEIR_LOG_FENCED` when another worker claimed the shard meanwhile, `WEIR_LOG_OUT_OF_STEP`,
 *   `WEIR_LOG_LOST` when this worker was acknowledged what is gone, `WEIR_LOG_REFUSED`, `WEIR_LOG_CLOSED`
 */
export async function takeOver(setup: ClaimingSetup): Promise<Holding> {
  assertWhole(setup, setup.former?.cut);
  let producer = await newEpoch(setup);
  for (let { ahead } = setup; ; ahead = undefined) {
    const holding = await claimUnder(producer, { ...setup, ahead });
    if (holding !== undefined) return holding;
    producer = await nextEpoch(producer, setup);
  }
}

/** The claim from (b) on; undefined when a fence came late, under an older producer id, and lies behind this one's. */
async function claimUnder(producer: ProducerIdentity, setup: ClaimingSetup): Promise<Holding | undefined> {
  const { wire, clock, random, patience, shard, topic, ended } = setup;
  const lease = new Lease(clock, setup.leaseMs);
  let term: Term | undefined;
  const writer = new FencedWriter({
    ...{ wire, clock, patience, topic, producer, lease, ended },
    partition: shard.partition,
    renews: true,
    term: () => (term === undefined ? 'one that was being claimed' : `${term.incarnation}.${term.counter}`),
  });
  const nonce = Buffer.from(random.bytes(16)).toString('hex');
  const fence = await writer.write([fenceRecord({ ...producer, nonce })]);
  assertWhole(setup, fence);
  const reading = new ClaimReading(setup);
  await reading.to(fence, (batch) => isOwnFence(batch, nonce));
  const { state } = reading;
  if (setup.former !== undefined) assertWhole(setup, state.begunBelow(setup.former));
  const formerProducers = state.producers.filter((id) => id !== producer.producerId);
  if (formerProducers.length > 0) await nextEpoch(producer, setup);
  const end = await writeDeadFences({ ...setup, partition: shard.partition }, formerProducers);
  await reading.to(Math.max(fence, end));
  const { owner } = state;
  // A restore goes by the newest fence: it would drop what is committed under this claim, so a fence goes behind that one.
  if (owner?.producerId !== producer.producerId || owner.epoch < producer.epoch) return undefined;
  // Brokers refuse the older epoch of one id, as long as they remember the newer one.
  if (owner.epoch > producer.epoch) throw fencedOut(setup);
  writer.expect(Math.max(fence, end) + 1);

  const repairs = state.settle();
  term = nextTerm(setup.incarnation, state);
  const producers = [...formerProducers, producer.producerId].slice(-rememberedProducers);
  const record = claimRecord({ ...term, ...producer, fence, producers });
  await writeClaim(setup, writer, repairs, record);
  return { producer, term, state, writer, lease, formerProducers };
}

/**
 * Whoever has heard of what is gone is ahead of what is left: to go on from there would contradict them.
 * @param from where a claim begins that came after the former one of this worker, or where that has landed itself
 */
function assertWhole({ shard, former }: ClaimingSetup, from: number | undefined): void {
  if (former === undefined || from === undefined || from >= former.end) return;
  const why = `it had come to offset ${former.end}, and goes on at ${from}`;
  throw new WeirError('WEIR_LOG_LOST', { ...shard, why });
}

/** (a) InitProducerId: one epoch more under the same producer id, or a new id when the old one is used up. */
async function newEpoch({ wire, patience, shard, topic, ended }: ClaimingSetup): Promise<ProducerIdentity> {
  const transactionalId = `${topic}-${shard.partition}`;
  return patience.until(`the claim of ${transactionalId}`, async () => {
    const end = ended();
    if (end !== undefined) throw end;
    const { error, producerId, epoch } = await wire.initProducerId(transactionalId);
    if (error === kafkaError.none) return { done: { producerId, epoch } };
    // Another worker is at it in this very moment: who comes last is shown by the fences.
    if (passes(error) || error === kafkaError.invalidProducerEpoch) return { again: nameOf(error) };
    throw new WeirError('WEIR_LOG_REFUSED', { what: `a claim of ${transactionalId}`, why: nameOf(error) });
  });
}

/**
 * One epoch more of the same producer id; a claim whose id is not the one that is given out any more is over.
 *
 * A producer id other than one's own may be the newer one: a claim under it has come in between. A dead fence for it
 * would shut out whoever claims from now on, for good; so the coordinator is asked first. What was read stood there
 * before it answered: if one's own id is still the one that is given out, all others are old.
 */
async function nextEpoch({ producerId }: ProducerIdentity, setup: ClaimingSetup): Promise<ProducerIdentity> {
  const next = await newEpoch(setup);
  if (next.producerId === producerId) return next;
  throw fencedOut(setup);
}

/** Another worker has claimed the shard meanwhile. */
function fencedOut({ topic, shard }: ClaimingSetup): WeirError {
  return new WeirError('WEIR_LOG_FENCED', { topic, partition: shard.partition, term: 'one that was being claimed' });
}

interface DeadFencing {
  readonly wire: KafkaWire;
  readonly clock: Clock;
  readonly patience: Patience;
  readonly topic: string;
  readonly partition: number;
  readonly ended: () => Error | undefined;
}

/**
 * (d) Shuts producer ids out of a partition for good; resolves with the offset of the last dead fence, -1 without any.
 * The broker says no (45) when one is there already, and that is as good.
 */
export async function writeDeadFences(setup: DeadFencing, producerIds: readonly string[]): Promise<number> {
  const { wire, clock, patience, topic, partition, ended } = setup;
  let last = -1;
  for (const producerId of producerIds) {
    const offset = await patience.until(`a dead fence in ${topic}/${partition}`, async () => {
      const end = ended();
      if (end !== undefined) throw end;
      const { error, baseOffset } = await wire.produce({
        ...{ topic, partition },
        records: [deadFenceRecord(producerId)],
        timestampMs: clock.now(),
        producer: { producerId, epoch: deadEpoch, sequence: 0 },
      });
      if (error === kafkaError.none) return { done: baseOffset };
      if (error === kafkaError.outOfOrderSequence) return { done: -1 };
      if (passes(error) || isDenied(error) || error === kafkaError.invalidTimestamp) return { again: nameOf(error) };
      throw new WeirError('WEIR_LOG_OUT_OF_STEP', { topic, partition, why: `a dead fence got ${nameOf(error)}` });
    });
    last = Math.max(last, offset);
  }
  return last;
}

/**
 * (c) and (e): reads up to offsets that were acknowledged, never to an end that a broker names: a leader that has been
 * deposed does not know it, and its end may be an old one.
 */
class ClaimReading {
  readonly #setup: ClaimingSetup;
  /** What was read before; undefined once that is known to stand for the beginning, or not to. */
  #ahead: ReadSoFar | undefined;
  #reader: PartitionReader;
  /** Everything that was read; the fence has to be read before it is used. */
  state: ShardState;

  constructor(setup: ClaimingSetup) {
    const { ahead, preview } = setup;
    this.#setup = setup;
    this.#ahead = ahead;
    this.state = ahead?.state ?? new ShardState();
    if (ahead?.preview !== preview) {
      ahead?.preview?.clear();
      this.#unwatch();
    }
    this.#reader = this.#readerAt(ahead?.position ?? 0);
  }

  /** Reads up to and including the batch at this offset, which must be what `expected` says. */
  async to(offset: number, expected: (batch: WireBatch) => boolean = () => true): Promise<void> {
    // The fence landed before the end of what was read: that has been cut off, and the log is another one.
    if (this.#ahead !== undefined && offset < this.#ahead.position) this.#beginAnew();
    while (this.#reader.position <= offset) {
      const { position } = this.#reader;
      const batches = await this.#reader.next(fenceWaitMs, offset + 1);
      if (!this.#joins(batches, position)) {
        this.#beginAnew();
        continue;
      }
      for (const batch of batches) {
        if (batch.baseOffset <= offset && offset <= batch.lastOffset && !expected(batch)) throw this.#gone(offset);
        this.state.take(batch);
      }
      this.state.keep();
    }
    this.#ahead = undefined;
  }

  /** Whether what was read before stands for what lies before these batches. */
  #joins(batches: readonly WireBatch[], from: number): boolean {
    const ahead = this.#ahead;
    let position = from;
    return (
      ahead === undefined ||
      batches.every((batch) => {
        const joined = joins(batch, { ...ahead, position });
        position = batch.lastOffset + 1;
        return joined;
      })
    );
  }

  #beginAnew(): void {
    const { logger, shard } = this.#setup;
    logger.info({ ...shard }, 'what was read ahead of a shard cannot be trusted: it is read from the beginning');
    this.#ahead = undefined;
    this.state = new ShardState();
    this.#unwatch();
    this.#reader = this.#readerAt(0);
  }

  /** All of the state is given out at the end. */
  #unwatch(): void {
    this.state.unwatch();
    this.#setup.preview?.clear();
  }

  #readerAt(from: number): PartitionReader {
    const { wire, patience, topic, shard, fetchBytes, ended } = this.#setup;
    return new PartitionReader({
      ...{ wire, patience, topic, from },
      partition: shard.partition,
      maxBytes: fetchBytes,
      ended: () => {
        const end = ended();
        if (end !== undefined) throw end;
        return false;
      },
      onGap: (position, oldest) => {
        if (this.#ahead !== undefined) this.#beginAnew();
        // Nothing is ever deleted from the front of a state topic, except by an operator; the end can be cut off.
        else if (oldest < position) throw this.#gone(position);
      },
    });
  }

  #gone(offset: number): WeirError {
    const { topic, shard } = this.#setup;
    const why = `what was acknowledged at offset ${offset} is not there any more`;
    return new WeirError('WEIR_LOG_OUT_OF_STEP', { topic, partition: shard.partition, why });
  }
}

function isOwnFence({ records }: WireBatch, nonce: string): boolean {
  const [first] = records;
  if (first?.key !== fenceKey || first.value === null) return false;
  return decodeFence(first.value)?.nonce === nonce;
}

/** A log that was restored or mirrored may remember fewer claims than there were; then its incarnation is greater. */
function nextTerm(incarnation: number, { term }: ShardState): Term {
  return { incarnation: Math.max(incarnation, term?.incarnation ?? 0), counter: (term?.counter ?? 0) + 1 };
}

/** Repairs come first: once the record of the claim is there, everything before its fence is taken for good. */
async function writeClaim(
  { logger, shard, maxBatchBytes }: ClaimingSetup,
  writer: FencedWriter,
  repairs: readonly WireRecord[],
  record: WireRecord,
): Promise<void> {
  if (repairs.length > 0) {
    logger.warn({ ...shard, keys: repairs.length }, 'a fenced writer got past its fence; what it wrote is mended');
  }
  let chunk: WireRecord[] = [];
  let bytes = 0;
  for (const repair of repairs) {
    const size = (repair.key?.length ?? 0) + (repair.value?.byteLength ?? 0);
    if (bytes + size > maxBatchBytes / 2 && chunk.length > 0) {
      await writer.write(chunk);
      chunk = [];
      bytes = 0;
    }
    chunk.push(repair);
    bytes += size;
  }
  await writer.write([...chunk, record]);
}
