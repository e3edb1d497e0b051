/** Routes of failure injection: what strikes the node, and what an operator lets strike it. */
import type { FastifyInstance } from 'fastify';
import type { ActiveFault, ChaosDesk } from '../../../chaos/index.ts';
import { WeirError } from '../../../errors/index.ts';
import type { Edge } from './edge.ts';
import { apiRoot } from './flow-routes.ts';
import { sendJson } from './reply.ts';
import { chaosBody, clearQuery, noQuery, parsed } from './requests.ts';

/** @param desk undefined on a node that allows no failure injection: everything is refused */
export function chaosRoutes(app: FastifyInstance, edge: Edge, desk: ChaosDesk | undefined): void {
  const path = `${apiRoot}/chaos`;
  const allowed = (): ChaosDesk => {
    if (desk === undefined) throw new WeirError('WEIR_CHAOS_OFF');
    return desk;
  };

  app.post(path, (request, reply) => {
    parsed(noQuery, request.query);
    const { fault, reason } = parsed(chaosBody, request.body);
    const principal = edge.injector();
    return sendJson(reply, 200, faultJson(allowed().inject(fault, { principal, reason })));
  });

  app.get(path, (request, reply) => {
    parsed(noQuery, request.query);
    edge.checkRead();
    const { active, struck } = allowed();
    return sendJson(reply, 200, { active: active().map(faultJson), struck: struck() });
  });

  app.delete(path, (request, reply) => {
    const { id, reason } = parsed(clearQuery, request.query);
    const principal = edge.injector();
    return sendJson(reply, 200, { cleared: allowed().clear({ principal, reason }, id).map(faultJson) });
  });
}

function faultJson({ since, until, ...fault }: ActiveFault): Record<string, unknown> {
  return {
    ...fault,
    since: new Date(since).toISOString(),
    ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
  };
}
