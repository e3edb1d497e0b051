/** Routes of the hospital: who is STUCK and why, and one act on many of them. */
import { z } from 'zod';
import type { ErrorCode } from '../../../errors/index.ts';
import type { HospitalCase, Treated, Treatment } from '../protocol.ts';
import type { Edge } from './edge.ts';
import { bulkBody, bulkSkipBody, hospitalQuery } from './requests.ts';
import { apiRoot, type Json, json, type Route, route, rpcErrors } from './routing/route.ts';
import { countSchema, flowJson, shortFlowJson, shortFlowSchema } from './views.ts';
import { troubleJson, troubleSchema } from './waiting-views.ts';

const tag = 'hospital';
const errors: readonly ErrorCode[] = [...rpcErrors, 'WEIR_MEMBER_UNKNOWN', 'WEIR_HOSPITAL_BUSY'];

const caseSchema = shortFlowSchema
  .extend({
    error: z.object({
      code: z.string(),
      message: z.string(),
      remedy: z.string().optional(),
      at: z.string().optional(),
    }),
    trouble: troubleSchema.optional().describe('from its shard; not there when that runs on another worker'),
  })
  .meta({ id: 'HospitalCase' });

const hospitalSchema = z
  .object({ flows: z.array(caseSchema), cursor: z.string().optional().describe('asks for the next page') })
  .meta({ id: 'Hospital' });

const treatedSchema = z
  .object({
    flowIds: z.array(z.string()).describe('flows that it was for'),
    done: countSchema.describe('for how many of them it took effect'),
    refused: z.array(z.object({ flowId: z.string(), code: z.string(), message: z.string() })),
    cursor: z.string().optional().describe('there are more: the same request with it goes on'),
  })
  .meta({ id: 'Treated' });

export function hospitalRoutes(edge: Edge): readonly Route[] {
  const treat = async (
    treatment: Treatment,
    { member, group, flow, stage, code, flowIds, limit, cursor, dryRun, reason }: z.output<typeof bulkBody>,
  ): Promise<{ status: 200; body: Json<typeof treatedSchema> }> => {
    const of = member === undefined ? undefined : edge.member(member, group);
    const filter = { member: of, flow, stage, code };
    return {
      status: 200,
      body: treatedJson(await edge.treat({ treatment, filter, flowIds, limit, cursor, dryRun }, reason)),
    };
  };
  const replies = { 200: json('for which flows it took effect, and why not for the others', treatedSchema) };
  return [
    route({
      method: 'GET',
      path: `${apiRoot}/hospital`,
      operation: 'listHospital',
      tag,
      summary: 'STUCK flows with their state, what failed and how often, newest first',
      query: hospitalQuery,
      replies: { 200: json('a page of flows', hospitalSchema) },
      errors,
      handle: async ({ query: { member, group, flow, stage, code, limit, cursor } }) => {
        const of = member === undefined ? undefined : edge.member(member, group);
        const page = await edge.hospital({ filter: { member: of, flow, stage, code }, limit, cursor });
        const flows = page.cases.map(caseJson);
        return { status: 200, body: { flows, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) } };
      },
    }),
    route({
      method: 'POST',
      path: `${apiRoot}/hospital/retry`,
      operation: 'retryFlows',
      tag,
      summary: 'Lets STUCK flows try again what failed',
      body: bulkBody,
      replies,
      errors,
      handle: ({ body }) => treat({ type: 'retry' }, body),
    }),
    route({
      method: 'POST',
      path: `${apiRoot}/hospital/skip`,
      operation: 'skipOperations',
      tag,
      summary: 'Lets STUCK flows go on as if what failed had given `result`',
      body: bulkSkipBody,
      replies,
      errors,
      handle: ({ body: { result, ...body } }) => treat({ type: 'skip', result }, body),
    }),
    route({
      method: 'POST',
      path: `${apiRoot}/hospital/kill`,
      operation: 'killFlows',
      tag,
      summary: 'Ends STUCK flows; their peers are told',
      body: bulkBody,
      replies,
      errors,
      handle: ({ body }) => treat({ type: 'kill' }, body),
    }),
  ];
}

function caseJson({ view, description }: HospitalCase): Json<typeof caseSchema> {
  const { error = { code: '', message: '' } } = flowJson(view);
  return {
    ...shortFlowJson(view),
    error,
    ...(description === undefined ? {} : { trouble: troubleJson(description) }),
  };
}

function treatedJson({ flowIds, done, refused, cursor }: Treated): Json<typeof treatedSchema> {
  return { flowIds, done, refused, ...(cursor === undefined ? {} : { cursor }) };
}
