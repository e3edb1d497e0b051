/** A trace in words that a person can follow: who did what, to whom, when. */
import { flowTopics, isAuditAnchor } from '../../actors/flow/protocol.ts';
import { sessionMessage } from '../../actors/session-manager/index.ts';
import { WeirError } from '../../errors/index.ts';
import { auditRecord, chainAnchor, flowHead, statusRecord } from '../../persistence/index.ts';
import type { CommitBatch, ShardId } from '../../transport/log/index.ts';
import type { SimEvent } from './events.ts';
import { termText } from './terms.ts';

/** One line for an event; undefined for what only repeats what another line says. */
export function lineOf(event: SimEvent): string | undefined {
  const words = wordsOf(event);
  if (words === undefined) return undefined;
  const where = [event.node, event.worker].filter((part) => part !== '').join('/');
  return `${timeOf(event.at)}  ${where.padEnd(16)} ${words}`;
}

/** `0:01.234` from milliseconds; days and hours where there are some. */
function timeOf(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const pad = (value: number, digits = 2): string => String(value).padStart(digits, '0');
  const days = Math.floor(seconds / 86_400);
  const clock = `${pad(Math.floor(seconds / 3_600) % 24)}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
  return `${days > 0 ? `${days}d ` : ''}${clock}.${pad(Math.floor(ms % 1_000), 3)}`;
}

function wordsOf(event: SimEvent): string | undefined {
  switch (event.type) {
    case 'up':
      return 'is started';
    case 'ready':
      return 'is ready';
    case 'down':
      return `is down: ${event.why}`;
    case 'ahead':
      return `has read ${event.records} records of ${shardText(event.shard)} ahead`;
    case 'claiming':
    case 'closed':
      return undefined;
    case 'claimed':
      return `claims ${shardText(event.shard)} as term ${termText(event.term)}`;
    case 'restored':
      return `has restored ${event.records.length} records of ${shardText(event.shard)}`;
    case 'commit':
      return `commits ${event.sequence} of ${shardText(event.shard)}: ${batchText(event.batch)}`;
    case 'durable':
      return `hears that commit ${event.sequence} of ${shardText(event.shard)} is durable`;
    case 'applied':
      return undefined;
    case 'refused':
      return `is refused a commit of ${shardText(event.shard)}: ${event.code}`;
    case 'fenced':
      return `hears that ${shardText(event.shard)} is another's now`;
    case 'released':
      return `gives ${shardText(event.shard)} up`;
    case 'append':
      return `appends ${event.records.length} to ${event.topic}[${event.partition}]`;
    case 'snapshot':
      return `sees ${event.entries.size} keys of ${event.topic} when it opens the table`;
    case 'published':
      return `sees ${event.topic} ${event.key} ${statusText(event.value)}`;
    case 'sent':
      return event.fate === 'passed' ? undefined : `sends ${messageText(event)} (${event.fate})`;
    case 'delivered':
      return `is given ${messageText(event)}${event.fate === 'passed' ? '' : ` (${event.fate})`}`;
    case 'lost':
      return `the brokers have lost ${event.commits.length} commits of ${shardText(event.shard)}`;
    case 'condemned':
      return `says that commits of ${shardText(event.shard)} are gone: ${event.why}`;
    case 'ordered':
      return `gives an order out: ${event.reason === undefined ? `no ${event.key} any more` : `${event.key}, ${event.reason}`}`;
    case 'fault':
      return `FAULT ${event.text}`;
    case 'client':
      return `client ${event.what} ${event.id}: ${event.text}`;
    case 'note':
      return `${event.what}: ${event.text}`;
  }
}

function batchText({ records, publications }: CommitBatch): string {
  const parts = records.flatMap(({ key, value }) => {
    if (key === 'shard') return [];
    if (value === null) return [`-${key}`];
    return [key.startsWith('c/') && !key.startsWith('c/@') ? `${key} ${headText(value)}` : key];
  });
  const published = publications.map(({ topic, key, value }) =>
    topic === flowTopics.audit
      ? `audit ${key} ${auditText(key, value)}`
      : `status ${key} ${statusText(value ?? undefined)}`,
  );
  return [...parts, ...published].join(', ');
}

function auditText(key: string, value: Uint8Array | null): string {
  if (value === null) return 'forgotten';
  return readable(() => {
    if (isAuditAnchor(key)) return `(from ${chainAnchor.decode(value).number} on)`;
    const { act, subject, flowId, principal } = auditRecord.decode(value);
    return `(${subject === '' ? act : `${act} ${subject}`} of ${flowId} by ${principal})`;
  });
}

function headText(value: Uint8Array): string {
  return readable(() => {
    const { flow, status, stage, visit, fault } = flowHead.decode(value);
    return `(${flow} ${status} in ${stage}/${visit}${fault === null ? '' : `: ${fault.code} ${fault.message}`})`;
  });
}

function statusText(value: Uint8Array | undefined): string {
  if (value === undefined) return 'forgotten';
  return readable(() => {
    const { flow, status, stage } = statusRecord.decode(value);
    return `(${flow} ${status} in ${stage})`;
  });
}

function messageText({ source, destination, bytes }: Extract<SimEvent, { type: 'sent' | 'delivered' }>): string {
  return readable(() => {
    const { kind, session, sequence, direction } = sessionMessage.decode(bytes);
    const way = `${source.name} -> ${destination.name}`;
    return `${kind} ${sequence} ${direction} of session ${session}, ${way}`;
  });
}

/** What a fault or another version has made unreadable is shown as such. */
function readable(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (WeirError.is(error, 'WEIR_RECORD_UNREADABLE')) return '(unreadable)';
    throw error;
  }
}

function shardText({ topic, partition }: ShardId): string {
  return `${topic}[${partition}]`;
}
