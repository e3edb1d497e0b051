/**
 * An error as somebody has seen it, before it is counted: made of a line of the log, or of an error itself. Owns how the
 * facts of a line are read, so that whoever logs an error need not know that it is told of here, too.
 */
import type { ErrorSeverity, ReportedError } from '../../actors/rpc/index.ts';
import { catalogue, causesOf, type ErrorCode, messageOf, WeirError } from '../../errors/index.ts';
import { type LogFields, shownFields } from '../../ports/index.ts';
import { shortDetails, shortText } from './record.ts';

export interface Sighting extends Omit<ReportedError, 'id' | 'worker' | 'since' | 'at' | 'count'> {
  /** Whom it happened to. Default: the worker that tells of it. */
  readonly worker?: string;
  /** The same for all who tell of the same. Default: one of its own for each record. */
  readonly id?: string;
}

/** Fields of lines that are told elsewhere in a sighting, or only help to read a log. */
const told: ReadonlySet<string> = new Set([
  ...['err', 'error', 'code', 'remedy', 'service', 'child', 'actor', 'uid', 'system', 'stack', 'trace'],
  ...['flowId', 'flow', 'member', 'clientRequestId'],
]);

/** The error that a line carries, if it carries one. */
export function errorIn({ err, error }: LogFields): Error | undefined {
  if (err instanceof Error) return err;
  return error instanceof Error ? error : undefined;
}

/** @param fields those of the line, and those that its logger is bound to */
export function sightingOf(severity: ErrorSeverity, fields: LogFields, sentence: string): Sighting {
  const thrown = errorIn(fields);
  const why = thrown?.message ?? textIn(fields, 'error');
  const others = Object.entries(fields).filter(([name]) => !told.has(name));
  const ids = ['flowId', 'flow', 'member', 'clientRequestId', 'actor'] as const;
  return {
    service: serviceOf(fields),
    severity,
    ...meaningOf(thrown, fields),
    message: shown(why === undefined || why === '' ? sentence : `${sentence}: ${why}`),
    causes: thrown === undefined ? [] : causesOf(thrown).map(shown),
    ...Object.fromEntries(ids.map((name) => [name, textIn(fields, name)])),
    details: shortDetails(shownFields(Object.fromEntries(others), { stacks: false })),
  };
}

/** One that no line told of. */
export function sightingOfError(severity: ErrorSeverity, service: string, error: Error): Sighting {
  return {
    ...{ service, severity, ...meaningOf(error, {}) },
    ...{ message: shown(messageOf(error)), causes: causesOf(error).map(shown) },
  };
}

function meaningOf(thrown: Error | undefined, fields: LogFields): { readonly code: string; readonly remedy: string } {
  if (WeirError.is(thrown)) return { code: thrown.code, remedy: shown(thrown.remedy) };
  const code = textIn(fields, 'code') ?? 'WEIR_INTERNAL';
  return { code, remedy: shown(remedyIn(fields) ?? (isCode(code) ? catalogue[code].remedy : '')) };
}

/** What flow code throws says nothing of what to do; its flow does. */
function remedyIn(fields: LogFields): string | undefined {
  const remedy = textIn(fields, 'remedy');
  const flowId = textIn(fields, 'flowId');
  if (remedy !== undefined && remedy !== '') return remedy;
  return flowId === undefined ? undefined : `see "weir flow show ${flowId}"`;
}

/** Who it happened to: `/services/flow/shard-3` is of the service flow. A supervisor speaks of its child. */
function serviceOf(fields: LogFields): string {
  const named = /^\/services\/([^/]+)/.exec(textIn(fields, 'actor') ?? '')?.[1];
  return named ?? textIn(fields, 'child') ?? textIn(fields, 'service') ?? 'worker';
}

function textIn(fields: LogFields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' ? shortText(value) : undefined;
}

/** As the log shows it: without secrets. */
function shown(text: string): string {
  return shortText(String(shownFields({ text }, { stacks: false }).text));
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(catalogue, code);
}
