/**
 * The life of a flow only goes forward, and is told as it is: an ended flow never changes, visits and retries never go
 * back, a new stage is a new visit, a flow's id is its own for ever, a request or session has one flow at a time (W4),
 * the status that a commit publishes last is the one that its head has then, and the numbers of a shard's statuses never
 * go back: by them a client that comes back is told what it has not seen (RP4).
 */
import { routingKeyOf } from '../../../actors/flow/protocol.ts';
import { type FlowHead, isTerminal } from '../../../persistence/index.ts';
import { ByShard } from '../by-shard.ts';
import type { Invariant } from '../world.ts';

interface Lives {
  /** Ids of every flow that there ever was. */
  readonly ever: Set<string>;
  /** Flows that are there, by routing key. */
  readonly flows: Map<string, string>;
  /** The newest number that a status has. */
  number: number;
}

export function flowLives(): Invariant {
  const shards = new ByShard<Lives>(() => ({ ever: new Set(), flows: new Map(), number: 0 }));
  const appeared = ({ ever, flows }: Lives, flowId: string): string | undefined => {
    if (ever.has(flowId)) return `the id of ${flowId}, which is forgotten, is used again`;
    ever.add(flowId);
    const routingKey = routingKeyOf(flowId);
    const other = flows.get(routingKey);
    if (other !== undefined) return `${flowId} was started for what ${other} is there for`;
    flows.set(routingKey, flowId);
    return undefined;
  };
  return {
    name: 'lives of flows go forward',
    hears: ['applied'],
    event(event, violate) {
      if (event.type !== 'applied') return;
      const { statuses, heads } = event.contents;
      if (statuses.length === 0 && heads.length === 0) return;
      const lives = shards.of(event.node, event.shard);
      const told = new Map<string, Told>();
      for (const { flowId, value: status } of statuses) {
        if (status === undefined) {
          told.delete(flowId);
          continue;
        }
        const { number } = lives;
        if (status.commit < number)
          violate(`${flowId}: its status has number ${status.commit}, and ${number} came before`);
        lives.number = status.commit;
        told.set(flowId, status);
      }
      for (const { flowId, value: head } of heads) {
        const before = event.headBefore(flowId);
        if (head === undefined) {
          lives.flows.delete(routingKeyOf(flowId));
          if (before !== undefined && !isTerminal(before.status))
            violate(`${flowId} was forgotten while ${before.status}`);
          continue;
        }
        const wrong = before === undefined ? appeared(lives, flowId) : backwards(before, head);
        if (wrong !== undefined) violate(`${flowId}: ${wrong}`);
        const untold = before?.status !== head.status || before.stage !== head.stage;
        const status = told.get(flowId);
        if (status === undefined ? untold : !sameStatus(status, head)) {
          const what = status === undefined ? 'nothing' : `${status.status} in ${status.stage}`;
          violate(`${flowId}: it is ${head.status} in ${head.stage}, and ${what} is told`);
        }
        told.delete(flowId);
      }
      for (const [flowId, { status, stage }] of told) {
        violate(`${flowId}: ${status} in ${stage} is told, and its head is not written`);
      }
    },
  };
}

type Told = Pick<FlowHead, 'status' | 'stage' | 'updated'>;

function sameStatus(told: Told, head: Told): boolean {
  return told.status === head.status && told.stage === head.stage && told.updated === head.updated;
}

function backwards(before: Readonly<FlowHead>, head: Readonly<FlowHead>): string | undefined {
  if (isTerminal(before.status)) return `it was ${before.status}, and was written again as ${head.status}`;
  if (head.visit < before.visit) return `it went back from visit ${before.visit} to ${head.visit}`;
  if (head.retries < before.retries) return `it counted ${before.retries} retries, and now ${head.retries}`;
  if (head.nextInbox < before.nextInbox) return 'places for unread messages are given again';
  if (head.visit > before.visit || isTerminal(head.status)) return undefined;
  if (head.stage !== before.stage) return `stage ${head.stage} goes on with visit ${head.visit} of ${before.stage}`;
  if (Buffer.compare(head.state, before.state) !== 0) return `its state changed in the middle of visit ${head.visit}`;
  return undefined;
}
