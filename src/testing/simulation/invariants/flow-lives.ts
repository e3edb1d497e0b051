/**
 * The life of a flow only goes forward, and is told as it is: an ended flow never changes, visits and retries never go
 * back, a new stage is a new visit, a flow's id is its own for ever, a request or session has one flow at a time (W4),
 * the status that a commit publishes last is the one that its head has then, and the numbers of a shard's statuses never
 * go back: by them a client that comes back is told what it has not seen (RP4).
 */
import { routingKeyOf } from '../../../actors/flow/protocol.ts';
import { type FlowHead, isTerminal } from '../../../persistence/index.ts';
import type { CommitBatch } from '../../../transport/log/index.ts';
import { contentsOf, shardName } from '../commit-contents.ts';
import type { SimEvent } from '../events.ts';
import { headOf, statusOf } from '../records.ts';
import type { Invariant } from '../world.ts';

type Applied = Extract<SimEvent, { type: 'applied' }>;

export function flowLives(): Invariant {
  /** Every flow that there ever was, by shard and id. */
  const ever = new Set<string>();
  /** Flows that are there, by shard and routing key. */
  const flows = new Map<string, string>();
  /** The newest number that a status of each shard has. */
  const numbers = new Map<string, number>();
  const appeared = (shard: string, flowId: string): string | undefined => {
    const name = `${shard}/${flowId}`;
    if (ever.has(name)) return `the id of ${flowId}, which is forgotten, is used again`;
    ever.add(name);
    const routingKey = `${shard}/${routingKeyOf(flowId)}`;
    const other = flows.get(routingKey);
    if (other !== undefined) return `${flowId} was started for what ${other} is there for`;
    flows.set(routingKey, flowId);
    return undefined;
  };
  return {
    name: 'lives of flows go forward',
    event(event, violate) {
      if (event.type !== 'applied') return;
      const shard = shardName(event.node, event.shard);
      const told = lastStatuses(event.batch);
      for (const [flowId, number] of numbersOf(event.batch)) {
        const last = numbers.get(shard) ?? 0;
        if (number < last) violate(`${flowId}: its status has number ${number}, and ${last} came before`);
        numbers.set(shard, number);
      }
      for (const { flowId, value } of contentsOf(event.batch).heads) {
        const before = headBefore(event, flowId);
        const head = value === null ? undefined : headOf(value);
        if (head === undefined) {
          flows.delete(`${shard}/${routingKeyOf(flowId)}`);
          if (before !== undefined && !isTerminal(before.status))
            violate(`${flowId} was forgotten while ${before.status}`);
          continue;
        }
        const wrong = before === undefined ? appeared(shard, flowId) : backwards(before, head);
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

/** The last status that a commit tells of each flow. */
function lastStatuses({ publications }: CommitBatch): Map<string, Told> {
  const last = new Map<string, Told>();
  for (const { topic, key, value } of publications) {
    if (topic !== 'flow.status') continue;
    if (value === null) last.delete(key);
    else last.set(key, statusOf(value));
  }
  return last;
}

function numbersOf({ publications }: CommitBatch): ReadonlyArray<readonly [flowId: string, number: number]> {
  return publications.flatMap(({ topic, key, value }) =>
    topic === 'flow.status' && value !== null ? [[key, statusOf(value).commit] as const] : [],
  );
}

function sameStatus(told: Told, head: Told): boolean {
  return told.status === head.status && told.stage === head.stage && told.updated === head.updated;
}

function headBefore(event: Applied, flowId: string): Readonly<FlowHead> | undefined {
  const value = event.before(`c/${flowId}`);
  return value === undefined ? undefined : headOf(value);
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
