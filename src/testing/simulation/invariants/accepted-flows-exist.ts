/**
 * W8: no client that was told "accepted" ever finds its flow missing.
 *
 * Whoever dies behind a commit does not tell that it is durable; a successor may, by what it publishes, before it has
 * restored the shard. So a status that was seen will do when the client hears of its flow; the commit must be in at the
 * end.
 */
import type { Invariant } from '../world.ts';

export function acceptedFlowsExist(): Invariant {
  const seen = new Set<string>();
  const applied = new Set<string>();
  const accepted = new Map<string, string>();
  return {
    name: 'accepted flows exist',
    hears: ['published', 'snapshot', 'applied', 'client'],
    event(event, violate) {
      if (event.type === 'published') {
        seen.add(event.key);
        return;
      }
      if (event.type === 'snapshot') {
        for (const key of event.entries.keys()) seen.add(key);
        return;
      }
      if (event.type === 'applied') {
        for (const { flowId, removed } of event.contents.heads) if (!removed) applied.add(flowId);
        return;
      }
      if (event.type !== 'client') return;
      if (event.what === 'missed') violate(`${event.id} was accepted, and the worker that said so does not know it`);
      if (event.what !== 'accepted') return;
      const flowId = event.text.slice(event.text.lastIndexOf(' ') + 1);
      accepted.set(event.id, flowId);
      if (!applied.has(flowId) && !seen.has(flowId))
        violate(`${event.id} was accepted as ${flowId}, which is not durable`);
    },
    end(_world, violate) {
      for (const [id, flowId] of accepted) {
        if (!applied.has(flowId)) violate(`${id} was accepted as ${flowId}, which is in no shard`);
      }
    },
  };
}
