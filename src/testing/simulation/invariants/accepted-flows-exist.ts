/**
 * W8: no client that was told "accepted" ever finds its flow missing.
 *
 * Whoever dies behind a commit does not tell that it is durable; a successor may, by what it publishes, before it has
 * restored the shard. So a commit that was sent will do when the client hears of its flow, and must be in at the end.
 */
import type { Invariant } from '../world.ts';

export function acceptedFlowsExist(): Invariant {
  const sent = new Set<string>();
  const applied = new Set<string>();
  const accepted = new Map<string, string>();
  return {
    name: 'accepted flows exist',
    event(event, violate) {
      if (event.type === 'commit' || event.type === 'applied') {
        const flows = event.type === 'commit' ? sent : applied;
        for (const { key, value } of event.batch.records) {
          if (key.startsWith('c/') && value !== null) flows.add(key.slice(2));
        }
        return;
      }
      if (event.type !== 'client') return;
      if (event.what === 'missed') violate(`${event.id} was accepted, and the worker that said so does not know it`);
      if (event.what !== 'accepted') return;
      const flowId = event.text.slice(event.text.lastIndexOf(' ') + 1);
      accepted.set(event.id, flowId);
      if (!sent.has(flowId)) violate(`${event.id} was accepted as ${flowId}, which was never written`);
    },
    end(_world, violate) {
      for (const [id, flowId] of accepted) {
        if (!applied.has(flowId)) violate(`${id} was accepted as ${flowId}, which is in no shard`);
      }
    },
  };
}
