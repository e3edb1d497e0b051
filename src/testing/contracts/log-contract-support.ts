/** Builders and readers of the log's contract suite: short records in, plain text out. Owns no cases. */
import { expect } from 'vitest';
import type { ErrorCode } from '../../errors/index.ts';
import type { Claim, Log, LogRecord, Table, TailRecord } from '../../transport/log/index.ts';

export function put(key: string, value: string): LogRecord {
  return { key, value: Buffer.from(value) };
}

export function remove(key: string): LogRecord {
  return { key, value: null };
}

export function publish(key: string, value: string | null) {
  return { topic: 'flow.status', key, value: value === null ? null : Buffer.from(value) };
}

export function batch(...records: LogRecord[]) {
  return { records, publications: [] };
}

export function text(value: Uint8Array | null | undefined): string | undefined {
  return value === null || value === undefined ? undefined : Buffer.from(value).toString();
}

export function contents(table: Table): Record<string, string | undefined> {
  return Object.fromEntries([...table.entries()].map(([key, value]) => [key, text(value)]));
}

export async function restored(claim: Claim): Promise<Record<string, string | undefined>> {
  const records: Record<string, string | undefined> = {};
  for await (const chunk of claim.restore()) for (const { key, value } of chunk) records[key] = text(value);
  return records;
}

export async function expectCode(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await expect(promise).rejects.toMatchObject({ code });
}

/** A tail that keeps what it is given; `reach` resolves once there are `count` records. */
export function collect(log: Log, partition: number, from: number) {
  const records: Array<{ key: string; value: Uint8Array; offset: number }> = [];
  let check: () => void = () => undefined;
  const tail = log.tail('flow.events', partition, from, (chunk: readonly TailRecord[]) => {
    for (const { key, value, offset } of chunk) records.push({ key, value: Uint8Array.from(value), offset });
    check();
  });
  return {
    records,
    close: () => tail.close(),
    reach: (count: number) =>
      new Promise<void>((resolve) => {
        check = () => {
          if (records.length >= count) resolve();
        };
        check();
      }),
  };
}

export function changesOf(table: Table, count: number): Promise<Array<[string, string | undefined]>> {
  const changes: Array<[string, string | undefined]> = [];
  return new Promise((resolve) => {
    table.onChange((key, value) => {
      changes.push([key, text(value)]);
      if (changes.length === count) resolve(changes);
    });
  });
}

/** Claims shards of the state topic, on another log where one is given. */
export function claimer(open: () => Log): (partition?: number, on?: Log) => Promise<Claim> {
  return (partition = 0, on = open()) => on.claim({ topic: 'flow.state', partition });
}

/** Appends to one partition of the events. */
export function appender(open: () => Log): (...records: LogRecord[]) => Promise<void> {
  return (...records) => open().append('flow.events', 1, records);
}
