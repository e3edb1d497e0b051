/**
 * The bare floor under the three-step flow: the same records through the same codec and store, without engine. For
 * each flow four commits, each waiting for the one before it, with the keys and the sizes that the engine writes; per
 * shard one commit in flight, while the next one fills. Steps await a macrotask, as those of the flow do.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  auditHash,
  auditRecord,
  canonicalBytes,
  chainPoint,
  chainStart,
  encodeValue,
  entryHash,
  type FlowHead,
  flowHead,
  type JournalEntry,
  journalEntry,
  shardRecord,
  statusRecord,
} from '../src/persistence/index.ts';
import { silentLogger, systemClock } from '../src/ports/index.ts';
import { type Claim, type LogRecord, openEmbeddedLog, type Publication } from '../src/transport/log/index.ts';
import { progress } from './child.ts';
import type { FlowsSettings } from './flows.ts';
import { type Load, load, usage } from './load.ts';
import { hundredBytes } from './three-step.ts';

const shards = 8;
const noBytes = new Uint8Array();

export interface FloorRun extends Load {
  readonly cpuMsPerFlow: number;
  readonly bytesPerFlow: number | undefined;
}

export async function measure({ runs, flows, inFlight, warmUp }: FlowsSettings): Promise<FloorRun[]> {
  const directory = await mkdtemp(join(tmpdir(), 'weir-bench-'));
  const log = await openEmbeddedLog({ directory, clock: systemClock(), logger: silentLogger });
  await log.ensureTopics([
    { name: 'flow.state', partitions: shards, kind: 'state' },
    { name: 'flow.status', partitions: shards, kind: 'table' },
    { name: 'flow.audit', partitions: shards, kind: 'table' },
  ]);
  const writers = await Promise.all(
    Array.from(
      { length: shards },
      async (_, partition) => new Writer(await log.claim({ topic: 'flow.state', partition })),
    ),
  );
  let started = 0;
  const once = async (): Promise<void> => {
    const n = started++;
    const writer = writers[n % shards];
    if (writer !== undefined) await bareFlow(writer, n);
  };
  await load(warmUp, inFlight, once);
  const results: FloorRun[] = [];
  for (let run = 1; run <= runs; run++) {
    const before = usage();
    const result = await load(flows, inFlight, once);
    const after = usage();
    progress(`bare floor, run ${run} of ${runs}: ${Math.round(result.flowsPerSecond)} flows/s`);
    results.push({
      ...result,
      cpuMsPerFlow: (after.cpuMs - before.cpuMs) / flows,
      bytesPerFlow: before.written === undefined ? undefined : ((after.written ?? 0) - before.written) / flows,
    });
  }
  await log.close();
  await rm(directory, { recursive: true, force: true });
  return results;
}

/** One shard's commits: what is added while one is in flight leaves together in the next. */
class Writer {
  readonly #claim: Claim;
  #records = new Map<string, Uint8Array | null>();
  #publications: Publication[] = [];
  #waiting: Array<() => void> = [];
  #inFlight = false;
  #number = 0;
  #chain = chainStart;

  constructor(claim: Claim) {
    this.#claim = claim;
  }

  commit(records: readonly LogRecord[], publications: readonly Publication[]): Promise<void> {
    for (const { key, value } of records) this.#records.set(key, value);
    this.#publications.push(...publications);
    return new Promise((durable) => {
      this.#waiting.push(durable);
      if (this.#inFlight) return;
      this.#inFlight = true;
      queueMicrotask(() => void this.#run());
    });
  }

  /** An entry of the audit, and the head of its chain. */
  audited(flowId: string, head: FlowHead, act: string, value: Uint8Array) {
    const { flow, version, memberName, memberGroup, clientRequestId } = head;
    const entry = {
      ...{
        number: this.#chain.number + 1,
        at: Date.now(),
        act,
        subject: '',
        flowId,
        flow,
        version,
        memberName,
        memberGroup,
      },
      ...{ clientRequestId, principal: 'local:embedder', principalKind: 'client' as const, reason: '', code: '' },
      ...{
        before: null,
        after: { hash: auditHash(value), size: value.length, value: noBytes },
        previous: this.#chain.hash,
      },
    };
    const hash = entryHash(this.#claim.shard.partition, entry);
    this.#chain = { number: entry.number, hash, at: entry.at };
    const key = `${String(this.#claim.shard.partition).padStart(4, '0')}/${String(entry.number).padStart(16, '0')}`;
    return {
      entry: { topic: 'flow.audit', key, value: auditRecord.encode({ ...entry, hash }) },
      head: { key: 'a/head', value: chainPoint.encode(this.#chain) },
    };
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      const publications = this.#publications;
      this.#number++;
      this.#records.set(
        'shard',
        shardRecord.encode({ partitions: shards, commit: this.#number, released: false, claim: 1 }),
      );
      const records = [...this.#records].map(([key, value]) => ({ key, value }));
      this.#records = new Map();
      this.#publications = [];
      this.#waiting = [];
      await this.#claim.commit({ records, publications });
      for (const durable of waiting) durable();
    }
    this.#inFlight = false;
  }
}

async function bareFlow(writer: Writer, n: number): Promise<void> {
  const clientRequestId = createHash('sha256').update(String(n)).digest('hex').slice(0, 32);
  const id = `${clientRequestId.slice(0, 24)}-${n.toString(36)}`;
  const head = headOf(id, clientRequestId);
  const start = writer.audited(id, head, 'start', head.state);
  await writer.commit(
    [{ key: `c/${id}`, value: flowHead.encode(head) }, start.head],
    [status(id, head, noBytes), start.entry],
  );
  for (const [index, label] of ['first', 'second'].entries()) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    await writer.commit([{ key: `j/${id}/0/${index}`, value: entryOf(label) }], []);
  }
  await new Promise<void>((resolve) => setImmediate(resolve));
  const last = { ...head, status: 'COMPLETED' as const, state: noBytes };
  // The engine writes the last step's entry and drops it with the others in the same batch.
  entryOf('third');
  const dropped = [0, 1, 2].map((index) => ({ key: `j/${id}/0/${index}`, value: null }));
  const result = encodeValue(hundredBytes.data, 'the result');
  const end = writer.audited(id, last, 'end', result);
  await writer.commit(
    [...dropped, { key: `c/${id}`, value: flowHead.encode(last) }, end.head],
    [status(id, last, result), end.entry],
  );
}

function headOf(id: string, clientRequestId: string): FlowHead {
  const now = Date.now();
  return {
    flow: 'three-step',
    version: 1,
    memberName: 'BENCH',
    memberGroup: 'default',
    clientRequestId,
    inputHash: clientRequestId,
    trace: id,
    created: now,
    status: 'RUNNING',
    updated: now,
    stage: 'start',
    visit: 0,
    state: canonicalBytes(hundredBytes),
    sessions: [],
    nextInbox: 0,
    retries: 0,
    acts: [{ at: now, act: 'start', principal: 'local:embedder', reason: '' }],
    fault: null,
    faultEntry: -1,
    faultNext: -1,
    cancel: null,
    progress: [],
    expires: 0,
    stays: [],
    mark: null,
  };
}

function entryOf(label: string): Uint8Array {
  const value = encodeValue(hundredBytes.data, 'a result');
  const entry: JournalEntry = {
    op: 'step',
    label,
    state: 'done',
    value,
    fault: null,
    due: 0,
    attempts: 1,
    until: 0,
    order: 1,
    branch: false,
    failures: [],
  };
  return journalEntry.encode(entry);
}

function status(id: string, head: FlowHead, result: Uint8Array): Publication {
  const value = statusRecord.encode({ ...head, startedBy: 'local:embedder', result, commit: 1 });
  return { topic: 'flow.status', key: id, value };
}
