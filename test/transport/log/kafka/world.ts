/** Workers with the Kafka driver over one model of a broker, in virtual time. */
import { seededRandom, silentLogger } from '../../../../src/ports/index.ts';
import { virtualClock } from '../../../../src/testing/index.ts';
import { settledWithin } from '../../../../src/testing/until.ts';
import { type KafkaLog, type KafkaLogSetup, kafkaLog } from '../../../../src/transport/log/kafka/index.ts';
import {
  type ModelBrokerSetup,
  type ModelEvent,
  modelBroker,
  type RequestFate,
  type RequestInfo,
} from '../../../../src/transport/log/kafka/model/index.ts';
import type { KafkaWire, ProducerIdentity, WireBatch } from '../../../../src/transport/log/kafka/wire.ts';
import type { Claim, CommitBatch, ShardId } from '../../../../src/transport/log/port.ts';

export const shard: ShardId = { topic: 'flow.state', partition: 0 };
export const stateTopic = 'weir.flow.state';
export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;

const topics = [
  { name: 'flow.state', partitions: 2, kind: 'state' },
  { name: 'flow.events', partitions: 2, kind: 'events' },
  { name: 'flow.status', partitions: 2, kind: 'table' },
] as const;

export interface WorldSetup extends Partial<Omit<ModelBrokerSetup, 'clock' | 'random' | 'faults' | 'observe'>> {
  readonly log?: Partial<KafkaLogSetup>;
}

export type World = Awaited<ReturnType<typeof kafkaWorld>>;

/** A world whose topics are there; faults and events begin with it. */
export async function kafkaWorld({ log: logSetup = {}, ...setup }: WorldSetup = {}) {
  const clock = virtualClock();
  const random = seededRandom(1);
  const events: ModelEvent[] = [];
  let fault: (info: RequestInfo) => RequestFate = () => 'ok';
  const broker = modelBroker({
    ...{ clock, random, initialRebalanceDelayMs: 0, ...setup },
    faults: { request: (info) => fault(info) },
    observe: (event) => void events.push(event),
  });

  /** The outcome of a promise, with as much time as it takes. */
  const run = async <T>(promise: Promise<T>, within = 2 * hourMs): Promise<T> => {
    const settled = await settledWithin(clock, within, promise);
    if (settled === undefined) throw new Error(`nothing came of it in ${within} ms`);
    return settled.value;
  };
  const worker = (name: string, more: Partial<KafkaLogSetup> = {}): KafkaLog =>
    kafkaLog({ wire: broker.connect(name), clock, random, logger: silentLogger, worker: name, ...logSetup, ...more });

  const world = {
    clock,
    broker,
    events,
    worker,
    run,
    /** Decides over each request from now on. */
    faults(decide: (info: RequestInfo) => RequestFate): void {
      fault = decide;
    },
    /** The next request for which `when` holds meets this fate; all others are well. */
    once(when: (info: RequestInfo) => boolean, fate: RequestFate): void {
      let struck = false;
      fault = (info) => {
        if (struck || !when(info)) return 'ok';
        struck = true;
        return fate;
      };
    },
    claim: (on: KafkaLog): Promise<Claim> => run(on.claim(shard)),
    commit: (claim: Claim, values: Readonly<Record<string, string | null>> = {}) => run(claim.commit(commit(values))),
    async restored(claim: Claim): Promise<Record<string, string>> {
      const records: Record<string, string> = {};
      const read = async (): Promise<void> => {
        for await (const chunk of claim.restore()) {
          for (const { key, value } of chunk) records[key] = Buffer.from(value ?? []).toString();
        }
      };
      await run(read());
      return records;
    },
    batches: (topic = stateTopic): WireBatch[] => (broker.log(topic, 0)?.batches ?? []).map(({ wire }) => wire),
    /** The producer of the newest claim. */
    producer(): ProducerIdentity {
      const newest = events.findLast(
        (event) => event.type === 'producer' && event.transactionalId.startsWith(stateTopic),
      );
      if (newest?.type !== 'producer') throw new Error('nobody has claimed yet');
      return { producerId: newest.producerId, epoch: newest.epoch };
    },
    /** A batch by this producer as a zombie would send it, past the driver. */
    zombie(producer: ProducerIdentity, sequence: number, values: Readonly<Record<string, string>>, topic = stateTopic) {
      const records = Object.entries(values).map(([key, value]) => ({ key, value: Buffer.from(value) }));
      const wire: KafkaWire = broker.connect('zombie');
      return run(
        wire.produce({ topic, partition: 0, records, timestampMs: clock.now(), producer: { ...producer, sequence } }),
      );
    },
    /** Batches that were appended, or answered as repeats, since the world began. */
    produced: () => events.flatMap((event) => (event.type === 'produced' && event.topic === stateTopic ? [event] : [])),
  };
  const setupLog = worker('setup');
  await run(setupLog.ensureTopics(topics));
  await run(setupLog.close());
  return world;
}

export function commit(values: Readonly<Record<string, string | null>>): CommitBatch {
  const records = Object.entries(values).map(([key, value]) => ({
    key,
    value: value === null ? null : Buffer.from(value),
  }));
  return { records, publications: [] };
}

/** The code of the error that a promise is rejected with; `done` when it is not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'done';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

export function isCommit({ api, about }: RequestInfo): boolean {
  return api === 'produce' && about === stateTopic;
}
