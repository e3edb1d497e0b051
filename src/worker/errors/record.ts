/**
 * What stands on `worker.errors`, the one stream of what goes wrong in any worker: events of one partition, so that an
 * offset means the same to all of them. Owns the form of a record, and how large it may become.
 */
import { z } from 'zod';
import type { ReportedError } from '../../actors/rpc/index.ts';
import type { LogRecord, TopicSpec } from '../../transport/log/index.ts';

export const errorTopic = 'worker.errors';
export const errorAccess = { reads: [errorTopic], writes: [errorTopic] };
export const errorTopicSpec: TopicSpec = { name: errorTopic, partitions: 1, kind: 'events' };

/** Characters of a text, and of all details together; JSON of one record stays below 32 KiB. */
const longestText = 1_000;
const longestDetails = 2_000;

const name = z.string().optional();
const record: z.ZodType<ReportedError> = z.object({
  id: z.string(),
  worker: z.string(),
  service: z.string(),
  severity: z.enum(['error', 'warning']),
  code: z.string(),
  message: z.string(),
  causes: z.array(z.string()),
  remedy: z.string(),
  actor: name,
  ...{ flowId: name, flow: name, member: name, clientRequestId: name },
  details: z.record(z.string(), z.unknown()).optional(),
  since: z.number(),
  at: z.number(),
  count: z.number(),
});

/** As the log takes it. The key tells workers and services apart for whoever reads the topic with other tools. */
export function recordOf(error: ReportedError): LogRecord {
  return { key: `${error.worker}/${error.service}/${error.code}`, value: Buffer.from(JSON.stringify(error)) };
}

/** Undefined for what another version wrote in another form: it is not shown. */
export function decodeError(bytes: Uint8Array): ReportedError | undefined {
  try {
    return record.safeParse(JSON.parse(Buffer.from(bytes).toString())).data;
  } catch {
    // Anybody may write to the topic; what is no JSON is nobody's error.
    return undefined;
  }
}

export function shortText(text: string): string {
  return text.length > longestText ? `${text.slice(0, longestText)}…` : text;
}

/** As many of the fields as there is room for. */
export function shortDetails(fields: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined {
  let left = longestDetails;
  const entries = Object.entries(fields).filter(([key, value]) => {
    left -= key.length + (JSON.stringify(value)?.length ?? 0);
    return left >= 0;
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}
