/** What `weir.yaml` may say, with its defaults. One schema for the file, the environment and the flags. */
import { z } from 'zod';
import { messageOf } from '../../errors/index.ts';
import { type Duration, type LogLevel, toMs } from '../../ports/index.ts';

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

const logSchema = z.strictObject({
  level: z.enum(levels).default('info'),
  pretty: z.boolean().optional(),
});

const watchdogSchema = z.strictObject({
  loop: z.union([z.literal('off'), durationSetting]).default('30 s'),
});

const chaosSchema = z.strictObject({
  allow: z.boolean('it must be true or false').default(false),
});

export const configurationSchema = z.strictObject({
  data: z.string().min(1).default('./.weir'),
  shards: shardsSetting.optional(),
  retention: durationSetting.default('1 day'),
  hospital: durationSetting.default('7 days'),
  redeliver: durationSetting.optional(),
  http: httpSchema.prefault({}),
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
  if (path[0] === 'http') return Object.keys(httpSchema.shape);
  if (path[0] === 'log') return Object.keys(logSchema.shape);
  if (path[0] === 'chaos') return Object.keys(chaosSchema.shape);
  if (path[0] === 'watchdog') return Object.keys(watchdogSchema.shape);
  return Object.keys(memberSchema.shape);
}
