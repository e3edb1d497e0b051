/**
 * W3: the body of a step runs after the commit that caused it. Workloads tell of the steps that begin, by a note `step`
 * with the step's id.
 */
import type { Invariant } from '../world.ts';

export function stepsComeAfterCommits(): Invariant {
  /** The newest durable visit of each flow that there ever was: a worker that has lost the flow may come late. */
  const visits = new Map<string, number>();
  return {
    name: 'steps come after commits',
    hears: ['applied', 'note'],
    event(event, violate) {
      if (event.type === 'applied') {
        for (const { flowId, value: head } of event.contents.heads) {
          if (head !== undefined) visits.set(flowId, head.visit);
        }
      } else if (event.type === 'note' && event.what === 'step') {
        const [flowId = '', visit] = event.text.split('.');
        const durable = visits.get(flowId);
        if (durable !== undefined && durable >= Number(visit)) return;
        violate(`step ${event.text} began, and what leads to it is not durable`);
      }
    },
  };
}
