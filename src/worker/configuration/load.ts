/** Reads `weir.yaml`, lays environment and flags over it, and checks the whole: every mistake is named, with its path. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { core, z } from 'zod';
import { didYouMean, messageOf, WeirError } from '../../errors/index.ts';
import type { Duration, LogLevel } from '../../ports/index.ts';
import type { KafkaConnection } from '../../transport/log/index.ts';
import { checkPlacement, type Role } from '../roles.ts';
import { windowsOf } from '../windows.ts';
import { type ConfigurationFlags, overlay } from './overlay.ts';
import { configurationSchema, keysAt } from './schema.ts';

export interface ConfigurationSources {
  /** Default `WEIR_CONFIG`, else `weir.yaml` in `directory`. */
  readonly file?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly flags?: ConfigurationFlags;
  /** Where relative paths of flags and environment start. */
  readonly directory: string;
}

export interface MemberConfiguration {
  readonly name: string;
  readonly group: string;
  /** Names of modules: `./flows/buy.ts#buy`. */
  readonly flows: readonly string[];
  readonly actors: readonly string[];
  /** Key in the file, for messages. */
  readonly key: string;
}

/** What a node is to be, before its modules are loaded. */
export interface Configuration {
  /** The file it was read from; names of modules are relative to it. */
  readonly file: string;
  /** In development mistakes of flow code are looked for all the time. */
  readonly profile: 'development' | 'production';
  readonly data: string;
  /** What this process does of its node. */
  readonly roles: readonly Role[];
  /** None: what the data was made with, or the default. */
  readonly shards: number | undefined;
  readonly retention: Duration;
  readonly hospital: Duration;
  readonly stepTimeout: Duration;
  readonly redeliver: Duration | undefined;
  readonly idle: Duration | undefined;
  readonly audit: Duration | undefined;
  /** Ends of a worker, from outside perhaps, that a flow must have been alone at to be STUCK as their cause. */
  readonly deathsAlone: number;
  readonly http: { readonly host: string; readonly port: number };
  /** Where a worker without the role `rpc` shows health and figures; none: nowhere. */
  readonly monitoring: { readonly host: string; readonly port: number } | undefined;
  readonly log: { readonly level: LogLevel; readonly pretty: boolean | undefined };
  /** None: everything is kept in the data directory. */
  readonly kafka: KafkaConnection | undefined;
  /** How long the event loop may stand still. */
  readonly watchdog: {
    readonly loop: Duration | 'off';
    /** How long code of a flow may keep the processor, and of which flows that is watched. */
    readonly code: Duration;
    readonly contain: 'off' | 'suspects' | 'all';
  };
  /** Whether operators may inject faults. */
  readonly chaos: { readonly allow: boolean };
  /** Modules whose flows and actors every member runs. */
  readonly modules: readonly string[];
  readonly members: readonly MemberConfiguration[];
}

/**
 * The configuration of a node: flags over environment (`WEIR_*`) over file over defaults.
 * @throws WeirError `WEIR_CONFIGURATION_UNREADABLE`, `WEIR_CONFIGURATION_INVALID` with every path that is wrong,
 *   `WEIR_CONFIGURATION_WINDOWS`
 */
export async function loadConfiguration(sources: ConfigurationSources): Promise<Configuration> {
  const { environment, flags = {}, directory } = sources;
  const file = resolve(directory, sources.file ?? environment.WEIR_CONFIG ?? 'weir.yaml');
  const overlaid = overlay(await readYaml(file), environment, flags);
  const outcome = configurationSchema.safeParse(overlaid.tree);
  if (!outcome.success) {
    const mistakes = outcome.error.issues.flatMap(mistakesOf).map(({ path, why }) => {
      const source = overlaid.sources.get(path);
      return { path: source === undefined ? path : `${path} (from ${source})`, why };
    });
    const [first, ...others] = mistakes;
    const more = others.map(({ path, why }) => `; at ${path}: ${why}`).join('');
    throw new WeirError('WEIR_CONFIGURATION_INVALID', { path: first?.path, why: `${first?.why}${more}` });
  }
  const { data, shards, redeliver, idle, audit, monitoring, log, members, ...settings } = outcome.data;
  windowsOf(outcome.data);
  checkPlacement(outcome.data, log.driver === 'kafka');
  const base = overlaid.sources.has('data') ? directory : dirname(file);
  return {
    ...settings,
    file,
    data: resolve(base, data),
    shards,
    redeliver,
    idle,
    audit,
    monitoring,
    log: { level: log.level, pretty: log.pretty },
    kafka: kafkaOf(log, dirname(file)),
    members: Object.entries(members).map(([key, { name = key, ...member }]) => ({ key, name, ...member })),
  };
}

type LogSection = z.output<typeof configurationSchema>['log'];

/** Files of certificates are relative to the configuration. */
function kafkaOf(log: LogSection, base: string): KafkaConnection | undefined {
  const { driver, brokers, prefix, replication, minInsyncReplicas, tls, sasl } = log;
  if (driver !== 'kafka' || brokers === undefined) return undefined;
  return {
    brokers,
    ...(prefix === undefined ? {} : { prefix }),
    ...(replication === undefined ? {} : { replication }),
    ...(minInsyncReplicas === undefined ? {} : { minInsyncReplicas }),
    ...(tls === undefined ? {} : { tls: typeof tls === 'boolean' ? tls : filesAt(base, tls) }),
    ...(sasl === undefined ? {} : { sasl }),
  };
}

function filesAt(base: string, files: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const named = Object.entries(files).flatMap(([name, file]) => (file === undefined ? [] : [[name, file] as const]));
  return Object.fromEntries(named.map(([name, file]) => [name, resolve(base, file)]));
}

async function readYaml(file: string): Promise<unknown> {
  let source: string;
  try {
    source = await readFile(file, 'utf8');
  } catch (thrown) {
    const missing = thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
    const why = missing ? 'there is no such file' : messageOf(thrown);
    throw new WeirError('WEIR_CONFIGURATION_UNREADABLE', { file, why }, missing ? undefined : thrown);
  }
  // Only a node that is configured by a file pays for the parser.
  const { parse } = await import('yaml');
  try {
    return (parse(source) as unknown) ?? {};
  } catch (thrown) {
    // The first line names the mistake and its place; the rest shows the source.
    const why = messageOf(thrown).split('\n')[0]?.replace(/:$/, '');
    throw new WeirError('WEIR_CONFIGURATION_UNREADABLE', { file, why }, thrown);
  }
}

interface Mistake {
  readonly path: string;
  readonly why: string;
}

function mistakesOf(issue: core.$ZodIssue): Mistake[] {
  if (issue.code !== 'unrecognized_keys') return [{ path: pathOf(issue.path), why: issue.message }];
  return issue.keys.map((key) => ({
    path: pathOf([...issue.path, key]),
    why: `there is no such setting${didYouMean(key, keysAt(issue.path))}`,
  }));
}

/** `members.ACME.flows[0]` */
export function pathOf(path: readonly PropertyKey[]): string {
  const text = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text.replace(/^\./, '') || 'the top';
}
