/**
 * What commits say about flows and persistent actors, read once for all invariants that ask.
 *
 * Owns the way from records to values; what must hold for them is the invariants'.
 */
import { actorHead, decodeValue, type StatusRecord, statusRecord } from '../../persistence/index.ts';
import type { LogRecord } from '../../transport/log/index.ts';
import type { SimEvent } from './events.ts';

/** A flow as a commit leaves it. */
export interface SeenFlow extends Omit<StatusRecord, 'result'> {
  readonly flowId: string;
  /** What it returned, once it has COMPLETED. */
  readonly result: unknown;
}

/** A persistent actor as a commit leaves it, and as it was before. */
export interface SeenActor {
  readonly member: string;
  readonly key: string;
  readonly state: unknown;
  /** Undefined for an actor that nobody had changed yet. */
  readonly before: unknown;
}

const read = new WeakMap<SimEvent, readonly SeenFlow[]>();
const actorRecords = new WeakMap<SimEvent, readonly LogRecord[]>();

/** Flows whose status a commit that is in the log has changed. */
export function flowsOf(event: SimEvent): readonly SeenFlow[] {
  if (event.type !== 'applied') return [];
  const known = read.get(event);
  if (known !== undefined) return known;
  const flows: SeenFlow[] = [];
  for (const { topic, key, value } of event.batch.publications) {
    if (topic !== 'flow.status' || value === null) continue;
    const record = statusRecord.decode(value);
    flows.push({
      ...record,
      flowId: key,
      result: record.result.length === 0 ? undefined : decodeValue(record.result),
    });
  }
  read.set(event, flows);
  return flows;
}

/** Persistent actors of one kind that a commit has changed. */
export function actorsOf(event: SimEvent, actor: string): readonly SeenActor[] {
  if (event.type !== 'applied') return [];
  const infix = `:${encodeURIComponent(actor)}:`;
  return actorRecordsOf(event).flatMap(({ key, value }) => {
    if (value === null || !key.includes(infix)) return [];
    const head = actorHead.decode(value);
    const before = event.before(key);
    return [
      {
        member: head.memberName,
        key: head.key,
        state: decodeValue(head.state),
        before: before === undefined ? undefined : decodeValue(actorHead.decode(before).state),
      },
    ];
  });
}

/** Most commits change no actor: each is looked through once, whoever asks. */
function actorRecordsOf(event: Extract<SimEvent, { type: 'applied' }>): readonly LogRecord[] {
  let records = actorRecords.get(event);
  if (records === undefined) {
    records = event.batch.records.filter(({ key }) => key.startsWith('c/@'));
    actorRecords.set(event, records);
  }
  return records;
}
