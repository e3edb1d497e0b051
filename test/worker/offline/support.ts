/** Logs with something in them, and what stands in a log, for tests of copies. */
import { silentLogger, systemClock } from '../../../src/ports/index.ts';
import {
  type Claim,
  type Log,
  type LogRecord,
  type OfflineLog,
  openEmbeddedLog,
  openEmbeddedOffline,
  type Publication,
  type TopicSpec,
} from '../../../src/transport/log/index.ts';
import type { Sink } from '../../../src/worker/offline/log-file/index.ts';
import { temporaryDirectory } from '../../transport/log/support/directory.ts';

export const clock = systemClock();

export const topics: readonly TopicSpec[] = [
  { name: 'flow.events', partitions: 2, kind: 'events' },
  { name: 'flow.state', partitions: 2, kind: 'state' },
  { name: 'flow.status', partitions: 2, kind: 'table' },
  { name: 'worker.heartbeats', partitions: 1, kind: 'table' },
];

export function record(key: string, value: string | Uint8Array): LogRecord {
  return { key, value: typeof value === 'string' ? Buffer.from(value) : value };
}

export function published(key: string, value: string | null): Publication {
  return { topic: 'flow.status', key, value: value === null ? null : Buffer.from(value) };
}

/** A log as a node leaves it: two shards, of which one has taken two of three events, and what they published. */
export async function fill(
  log: Log,
  run: <T>(promise: Promise<T>) => Promise<T> = (promise) => promise,
): Promise<void> {
  await run(log.ensureTopics(topics));
  await run(
    log.append(
      'flow.events',
      0,
      ['taken', 'taken too', 'waiting'].map((text) => record('k', text)),
    ),
  );
  const one: Claim = await run(log.claim({ topic: 'flow.state', partition: 0 }));
  await run(
    one.commit({
      records: [record('c/a', 'head'), record('d/1', 'unreadable'), record('shard', 'own'), record('w/log', '2')],
      publications: [published('a', 'RUNNING'), published('gone', 'RUNNING')],
    }),
  );
  await run(one.commit({ records: [record('c/b', 'other')], publications: [published('gone', null)] }));
  const two: Claim = await run(log.claim({ topic: 'flow.state', partition: 1 }));
  await run(two.commit({ records: [record('!odd', 'key')], publications: [published('c', 'COMPLETED')] }));
}

/** What `fill` leaves, in a copy of the log whose first incarnation it was. */
export const copied = {
  'flow.events/0': ['k=waiting'],
  'flow.events/1': [],
  'flow.state/0': ['c/a=head', 'c/b=other', 'd/1:1=unreadable', 'shard=own'],
  'flow.state/1': ['!odd=key'],
  'flow.status/0': ['a=RUNNING'],
  'flow.status/1': ['c=COMPLETED'],
};

/** Everything that stands in a log, by topic and partition. */
export async function contents(log: OfflineLog): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const { name, partitions, kind } of log.topics) {
    for (let partition = 0; partition < partitions; partition += 1) {
      const lines: string[] = [];
      const chunks = kind === 'events' ? log.events(name, partition, 0) : log.records(name, partition);
      for await (const chunk of chunks) {
        for (const { key, value } of chunk) lines.push(`${key}=${Buffer.from(value ?? []).toString()}`);
      }
      found[`${name}/${partition}`] = lines;
    }
  }
  return found;
}

export interface Directory {
  readonly path: string;
  /** A node's log in it; closed by the caller. */
  log(): Promise<Log>;
  offline(create?: boolean): Promise<OfflineLog>;
  readonly remove: () => Promise<void>;
}

export async function directory(): Promise<Directory> {
  const { path, remove } = await temporaryDirectory();
  const settings = { directory: path, clock, logger: silentLogger, reserveBytes: 0 };
  return {
    ...{ path, remove },
    log: () => openEmbeddedLog(settings),
    offline: (create = false) => openEmbeddedOffline({ ...settings, create }),
  };
}

/** A file in memory. */
export function memoryFile(): { readonly sink: Sink; readonly bytes: () => Buffer } {
  const parts: Uint8Array[] = [];
  return {
    sink: async (bytes) => void parts.push(Uint8Array.from(bytes)),
    bytes: () => Buffer.concat(parts),
  };
}

/** The bytes as they come from a disk or a pipe: in pieces that have nothing to do with what is in them. */
export async function* pieces(bytes: Uint8Array, size = 1_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}
