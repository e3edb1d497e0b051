/** What `weir.yaml` may say, with its defaults. One schema for the file, the environment and the flags. */
import { z } from 'zod';
import { messageOf } from '../../errors/index.ts';
import { type Duration, type LogLevel, toMs } from '../../ports/index.ts';
import { rolesSetting } from '../roles.ts';

/** Text of a file or a variable is taken for a duration here, once it is known to be one. */
export const durationSetting = z
  .custom<Duration>(
    (value) => typeof value === 'number' || typeof value === 'string',
    'must be a duration such as "1 day"',
  )
  .superRefine((value, issues) => {
    try {
      toMs(value);
    } catch (thrown) {
      issues.addIssue({ code: 'custom', message: messageOf(thrown) });
    }
  });

export const shardsSetting = z
  .int('it must be a whole number from 1 to 1024')
  .min(1, 'it must be a whole number from 1 to 1024')
  .max(1_024, 'it must be a whole number from 1 to 1024');

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const satisfies readonly LogLevel[];

/** `./flows/buy.ts#buy` names one export; without `#` it is everything of its kind that the module exports. */
const moduleName = z.string().min(1);

const memberSchema = z.strictObject({
  name: z.string().min(1).optional(),
  group: z.string().min(1).default('default'),
  flows: z.array(moduleName).default([]),
  actors: z.array(moduleName).default([]),
});

const httpSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(7_447),
});

const monitoringSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65_535),
});

export const brokersSetting = z
  .array(z.string().regex(/^.+:\d{1,5}$/, 'a broker is named as host:port'), 'name brokers as a list of host:port')
  .min(1, 'name at least one broker as host:port');

const tlsSchema = z.strictObject({
  ca: z.string().min(1).optional(),
  cert: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
});

const saslSchema = z.strictObject({
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
  username: z.string().min(1),
  password: z.string().min(1, 'it is empty; WEIR_LOG_SASL_PASSWORD may say it, too'),
});

const positive = z.int('it must be a whole number from 1').min(1, 'it must be a whole number from 1');

const logSchema = z
  .strictObject({
    level: z.enum(levels).default('info'),
    pretty: z.boolean().optional(),
    driver: z.enum(['embedded', 'kafka']).default('embedded'),
    brokers: brokersSetting.optional(),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,100}$/, 'it may have letters, digits, ".", "_" and "-"')
      .optional(),
    replication: positive.optional(),
    minInsyncReplicas: positive.optional(),
    tls: z.union([z.boolean(), tlsSchema]).optional(),
    sasl: saslSchema.optional(),
  })
  .superRefine(({ driver, brokers, prefix, replication, minInsyncReplicas, tls, sasl }, issues) => {
    const refuse = (key: string, message: string): void => issues.addIssue({ code: 'custom', path: [key], message });
    if (driver === 'kafka' && brokers === undefined) refuse('brokers', 'name at least one broker as host:port');
    if (driver === 'kafka') return;
    const others = { brokers, prefix, replication, minInsyncReplicas, tls, sasl };
    for (const [key, value] of Object.entries(others)) {
      if (value !== undefined) refuse(key, 'it is a setting of "driver: kafka"');
    }
  });

const watchdogSchema = z.strictObject({
  loop: z.union([z.literal('off'), durationSetting]).default('30 s'),
  code: durationSetting.default('10 s'),
  contain: z.enum(['off', 'suspects', 'all']).default('suspects'),
});

const chaosSchema = z.strictObject({
  allow: z.boolean('it must be true or false').default(false),
});

export const configurationSchema = z.strictObject({
  profile: z.enum(['development', 'production']).default('production'),
  data: z.string().min(1).default('./.weir'),
  roles: rolesSetting.default(['all']),
  shards: shardsSetting.optional(),
  retention: durationSetting.default('1 day'),
  hospital: durationSetting.default('7 days'),
  stepTimeout: durationSetting.default('10 min'),
  redeliver: durationSetting.optional(),
  idle: durationSetting.optional(),
  audit: durationSetting.optional(),
  deathsAlone: positive.default(3),
  http: httpSchema.prefault({}),
  monitoring: monitoringSchema.optional(),
  log: logSchema.prefault({}),
  watchdog: watchdogSchema.prefault({}),
  chaos: chaosSchema.prefault({}),
  modules: z.array(moduleName).default([]),
  members: z
    .record(
      z.string().min(1),
      memberSchema.nullable().transform((member) => member ?? memberSchema.parse({})),
    )
    .refine((members) => Object.keys(members).length > 0, 'name at least one member'),
});

/** Keys that may stand at a path, for the sentence about one that may not. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  if (path.length === 0) return Object.keys(configurationSchema.shape);
  if (path[0] === 'monitoring') return Object.keys(monitoringSchema.shape);
  if (path[0] === 'http') return Object.keys(httpSchema.shape);
  if (path[0] === 'log') return keysOfLog(path[1]);
  if (path[0] === 'chaos') return Object.keys(chaosSchema.shape);
  if (path[0] === 'watchdog') return Object.keys(watchdogSchema.shape);
  return Object.keys(memberSchema.shape);
}

function keysOfLog(key: PropertyKey | undefined): readonly string[] {
  if (key === 'tls') return Object.keys(tlsSchema.shape);
  return Object.keys(key === 'sasl' ? saslSchema.shape : logSchema.shape);
}
