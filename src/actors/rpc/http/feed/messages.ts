/** What a client and the feed say to each other over WebSocket, as JSON text. */
import { z } from 'zod';
import { flowStatuses } from '../../../../persistence/index.ts';
import type { FeedPage } from '../../protocol.ts';
import { problemSchema } from '../problem.ts';
import type { Json } from '../routing/route.ts';
import { flowJson, flowSchema } from '../views.ts';

const oneFlow = ['flowId', 'clientRequestId'] as const;
const manyFlows = ['status', 'flow'] as const;

/** The first message of a client; there is no other. */
export const subscribeMessage = z
  .strictObject({
    type: z.literal('subscribe'),
    flowId: z.string().optional(),
    clientRequestId: z.string().optional(),
    member: z.string().optional(),
    group: z.string().min(1).optional(),
    status: z
      .string()
      .transform((text) => text.toUpperCase())
      .pipe(z.enum(flowStatuses))
      .optional(),
    flow: z.string().optional(),
    from: z.string().optional(),
  })
  .superRefine((message, issues) => {
    const given = (key: keyof typeof message): boolean => message[key] !== undefined;
    const refuse = (why: string): void => void issues.addIssue({ code: 'custom', message: why });
    if (oneFlow.every(given)) refuse('name one flow by flowId or by clientRequestId, not by both');
    if (oneFlow.some(given) && manyFlows.some(given)) refuse('status and flow are for feeds of many flows');
    if (given('flowId') && given('member')) refuse('flowId names a flow without its member');
    if (given('clientRequestId') && !given('member')) refuse('clientRequestId needs its member');
    if (given('group') && !given('member')) refuse('group needs a member');
  });
export type Subscription = z.output<typeof subscribeMessage>;

const position = z.string().describe('resumes the feed, at any worker of the node: `from` of another subscription');

const flowsMessage = z.object({
  type: z.literal('flows'),
  flows: z.array(flowSchema).describe('each as it is now; of several changes only the last may be told'),
  position,
  current: z.boolean().describe('whether everything that is known was told'),
});
const currentMessage = z
  .object({ type: z.literal('current'), position })
  .describe('nothing has changed; said after the subscription, and from time to time');
const resetMessage = z
  .object({ type: z.literal('reset'), why: z.string(), position })
  .describe('what was told before does not count: flows may have ended unseen; all flows as they are follow');
const refusedMessage = z
  .object({ type: z.literal('refused'), problem: problemSchema })
  .describe('the feed is closed: with code 1013 when the same may succeed later, else with 4000 + the status');

export const feedMessage = z
  .discriminatedUnion('type', [flowsMessage, currentMessage, resetMessage, refusedMessage])
  .meta({ id: 'FeedMessage', description: 'What the feed says, as JSON text in a message of WebSocket' });
export type FeedMessage = Json<typeof feedMessage>;

/** A page is one message, or one more where the feed begins anew. */
export function messagesOf({ reset, flows, cursor: { position }, current }: FeedPage): readonly FeedMessage[] {
  const told: FeedMessage[] = reset === undefined ? [] : [{ type: 'reset', why: reset, position }];
  if (flows.length > 0) told.push({ type: 'flows', flows: flows.map(flowJson), position, current });
  else if (current) told.push({ type: 'current', position });
  return told;
}
