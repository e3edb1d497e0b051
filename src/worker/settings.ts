/**
 * Settings of a node as a program gives them. The compiler has seen most of them; what it cannot see (a module that
 * exports nothing, a number out of range, a program without types) is refused here, with its path, before anything
 * starts.
 */
import { z } from 'zod';
import type { AnyActor, AnyFlow } from '../actors/flow/index.ts';
import { WeirError } from '../errors/index.ts';
import { brokersSetting, durationSetting, pathOf, shardsSetting } from './configuration/index.ts';
import { isActor, isFlow } from './definitions.ts';
import { checkPlacement, rolesSetting } from './roles.ts';

const flows = z
  .array(z.custom<AnyFlow>(isFlow, { error: ({ input }) => `it is ${found(input)}, not a flow: make it with flow()` }))
  .optional();
const actors = z
  .array(
    z.custom<AnyActor>(isActor, {
      error: ({ input }) => `it is ${found(input)}, not a persistent actor: make it with persistentActor()`,
    }),
  )
  .optional();

const name = z.string().min(1, 'the name is empty');
const member = z.looseObject({ group: name.optional(), flows, actors });
const noMembers = 'name at least one member';
const memberList = z.array(member.extend({ name, group: name })).min(1, noMembers);
const memberRecord = z
  .record(name, member, 'name the members and what each of them runs: { ACME: { flows: [buy] } }')
  .refine((named) => Object.keys(named).length > 0, noMembers);

const nodeSettings = z.looseObject({
  flows,
  actors,
  shards: shardsSetting.optional(),
  retention: durationSetting.optional(),
  hospital: durationSetting.optional(),
  stepTimeout: durationSetting.optional(),
  audit: durationSetting.optional(),
  redeliver: durationSetting.optional(),
  idle: durationSetting.optional(),
  maxHotFlows: z.int().min(1).optional(),
  deathsAlone: z.int().min(1).optional(),
  containment: z
    .union([
      z.literal('off'),
      z.strictObject({ limit: durationSetting.optional(), of: z.enum(['suspects', 'all']).optional() }),
    ])
    .optional(),
  replayCheck: z.boolean('it must be true or false').optional(),
  authorize: z.custom((value) => typeof value === 'function', 'it must be a function').optional(),
});

const startSettings = z.looseObject({
  data: z.string('name a directory for the data').min(1, 'name a directory for the data'),
  kafka: z.looseObject({ brokers: brokersSetting }).optional(),
  roles: rolesSetting.optional(),
  endIfBlocked: durationSetting.optional(),
  chaos: z.strictObject({ allow: z.boolean('it must be true or false').optional() }).optional(),
});

// Made once: a schema is compiled at its first use, which was a large part of the start of a node in memory.
const listed = nodeSettings.extend({ members: memberList });
const named = nodeSettings.extend({ members: memberRecord });
const members = z.looseObject({ members: z.unknown() });

/** @throws WeirError `WEIR_CONFIGURATION_INVALID` with the path of every mistake */
export function checkNodeSettings(settings: unknown): void {
  // Each form of the members by itself: of a union zod would only say that none fits.
  check(Array.isArray(members.safeParse(settings).data?.members) ? listed : named, settings);
}

/** @throws WeirError `WEIR_CONFIGURATION_INVALID` */
export function checkStartSettings(settings: unknown): void {
  const { roles, kafka } = check(startSettings, settings);
  checkPlacement(roles === undefined ? {} : { roles }, kafka !== undefined);
  checkNodeSettings(settings);
}

function check<Schema extends z.ZodType>(schema: Schema, settings: unknown): z.output<Schema> {
  const { data, error } = schema.safeParse(settings);
  if (error === undefined) return data;
  const [first, ...others] = error.issues.map(({ path, message }) => ({ path: pathOf(path), why: message }));
  const more = others.map(({ path, why }) => `; at ${path}: ${why}`).join('');
  throw new WeirError('WEIR_CONFIGURATION_INVALID', { path: first?.path, why: `${first?.why}${more}` });
}

function found(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return typeof value === 'object' ? 'another object' : `a ${typeof value}`;
}
