/** Routes of failure injection: what strikes the node, and what an operator lets strike it. */
import { z } from 'zod';
import type { ActiveFault, ChaosDesk } from '../../../chaos/index.ts';
import { type ErrorCode, WeirError } from '../../../errors/index.ts';
import type { Edge } from './edge.ts';
import { chaosBody, clearQuery } from './requests.ts';
import { apiRoot, type Json, json, type Route, route } from './routing/route.ts';
import { countSchema, timeOf, timeSchema } from './views.ts';

const tag = 'faults';

const faultSchema = z
  .object({
    id: countSchema,
    fault: z.looseObject({ type: z.string() }).describe('as it was injected'),
    text: z.string().describe('the same as a sentence'),
    since: timeSchema,
    until: timeSchema.optional().describe('when it is over by itself'),
    left: countSchema.optional().describe('how often it may still strike'),
    struck: countSchema,
  })
  .meta({ id: 'ActiveFault' });

/** @param desk undefined on a node that allows no failure injection: everything is refused */
export function chaosRoutes(edge: Edge, desk: ChaosDesk | undefined): readonly Route[] {
  const path = `${apiRoot}/chaos`;
  const errors: readonly ErrorCode[] = ['WEIR_FORBIDDEN', 'WEIR_CHAOS_OFF'];
  const allowed = (): ChaosDesk => {
    if (desk === undefined) throw new WeirError('WEIR_CHAOS_OFF');
    return desk;
  };

  return [
    route({
      method: 'POST',
      path,
      operation: 'injectFault',
      tag,
      summary: 'Injects a fault by name',
      body: chaosBody,
      replies: { 200: json('the fault, which strikes from now on', faultSchema) },
      errors: [...errors, 'WEIR_FAULT_INVALID', 'WEIR_FAULT_UNREACHABLE'],
      handle: ({ body: { fault, reason } }) => {
        const principal = edge.injector();
        return { status: 200, body: faultJson(allowed().inject(fault, { principal, reason })) };
      },
    }),
    route({
      method: 'GET',
      path,
      operation: 'listFaults',
      tag,
      summary: 'Faults that are not over, and how often each word has struck since the node started',
      replies: {
        200: json('the faults', z.object({ active: z.array(faultSchema), struck: z.record(z.string(), countSchema) })),
      },
      errors,
      handle: () => {
        edge.checkRead();
        const { active, struck } = allowed();
        return { status: 200, body: { active: active().map(faultJson), struck: struck() } };
      },
    }),
    route({
      method: 'DELETE',
      path,
      operation: 'clearFaults',
      tag,
      summary: 'Ends one fault, or all of them; what they did stays done',
      query: clearQuery,
      replies: { 200: json('those that it has ended', z.object({ cleared: z.array(faultSchema) })) },
      errors,
      handle: ({ query: { id, reason } }) => {
        const principal = edge.injector();
        return { status: 200, body: { cleared: allowed().clear({ principal, reason }, id).map(faultJson) } };
      },
    }),
  ];
}

function faultJson({ fault, since, until, ...rest }: ActiveFault): Json<typeof faultSchema> {
  return {
    ...rest,
    fault: { ...fault },
    since: timeOf(since),
    ...(until === undefined ? {} : { until: timeOf(until) }),
  };
}
