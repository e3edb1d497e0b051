/** W8: no client that was told "accepted" ever finds its flow missing. */
import type { Invariant } from '../world.ts';

export function acceptedFlowsExist(): Invariant {
  const heads = new Set<string>();
  return {
    name: 'accepted flows exist',
    event(event, violate) {
      if (event.type === 'applied') {
        for (const { key, value } of event.batch.records) {
          if (key.startsWith('c/') && value !== null) heads.add(key.slice(2));
        }
        return;
      }
      if (event.type !== 'client' || event.what !== 'accepted') return;
      const flowId = event.text.slice(event.text.lastIndexOf(' ') + 1);
      if (!heads.has(flowId)) violate(`${event.id} was accepted as ${flowId}, which is in no shard`);
    },
  };
}
