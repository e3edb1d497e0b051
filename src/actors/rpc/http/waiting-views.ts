/** The shape of an unfinished flow as operators read it: what it waits on, its state, and what did not go well. */
import { z } from 'zod';
import type { FailureRecord } from '../../../persistence/index.ts';
import type { CheckpointPart, FailedOperation, FlowDescription, WaitingOn } from '../../flow/protocol.ts';
import { toJson } from './json.ts';
import type { Json } from './routing/route.ts';
import { countSchema, flowStatus, memberJson, memberSchema, shortError, timeOf, timeSchema } from './views.ts';

const waitSchema = z
  .object({
    what: z.string(),
    label: z.string(),
    due: timeSchema.optional().describe('when it gives up, or goes on by itself'),
  })
  .meta({ id: 'Wait' });

const failureSchema = z
  .object({
    at: timeSchema,
    code: z.string(),
    message: z.string(),
    place: z.string().describe('stage, operation and line of code; may be empty'),
  })
  .meta({ id: 'FlowFailure' });

const failedSchema = z
  .object({
    operation: z.string(),
    attempts: countSchema,
    failures: z.array(failureSchema).describe('how its attempts failed, the newest 10'),
  })
  .meta({ id: 'FailedOperation' });

const stateSchema = z.unknown().optional().describe('of the stage: for `start` the input');
const trouble = {
  stateBytes: countSchema,
  failed: failedSchema.optional().describe('the operation that made it STUCK; not there when it was none'),
  retrying: z.array(failedSchema).describe('operations that have failed and are tried again, at most 20'),
  stays: z.array(failureSchema).describe('what has made it STUCK, each time, the newest 10'),
};

/** States are left out of lists when they are larger. */
const maxListedBytes = 4_096;

/** What an operator looks at in a list of STUCK flows. */
export const troubleSchema = z
  .object({
    state: stateSchema.describe(`of the stage; left out of the list beyond ${maxListedBytes} bytes`),
    ...trouble,
    until: timeSchema.optional().describe('when the flow is ended, if nobody acts'),
  })
  .meta({ id: 'FlowTrouble' });

export const waitingSchema = z
  .object({
    flowId: z.string(),
    flow: z.string(),
    version: z.int(),
    member: memberSchema,
    clientRequestId: z.string(),
    status: flowStatus,
    stage: z.string(),
    visit: countSchema,
    operations: countSchema.describe('journalled in the running visit'),
    unread: countSchema.describe('session messages that it has not read yet'),
    waitingOn: waitSchema.optional(),
    branches: z.array(waitSchema).describe('what its other branches wait on, at most 19 of them'),
    sessions: z.array(
      z.object({
        id: z.string(),
        protocol: z.string(),
        peer: memberSchema,
        sent: countSchema,
        received: countSchema,
        state: z.string(),
      }),
    ),
    error: shortError.optional(),
    state: stateSchema,
    ...trouble,
  })
  .meta({ id: 'FlowWaiting' });

export function waitingJson(flow: FlowDescription): Json<typeof waitingSchema> {
  const { waitingOn, fault } = flow;
  return {
    flowId: flow.flowId,
    flow: flow.flow,
    version: flow.version,
    member: memberJson(flow.member),
    clientRequestId: flow.clientRequestId,
    status: flow.status,
    stage: flow.stage,
    visit: flow.visit,
    operations: flow.operations,
    unread: flow.unread,
    ...(waitingOn === undefined ? {} : { waitingOn: waitJson(waitingOn) }),
    branches: flow.branches.map(waitJson),
    sessions: flow.sessions.map((session) => ({ ...session, peer: memberJson(session.peer) })),
    ...(fault === null ? {} : { error: { code: fault.code, message: fault.message } }),
    ...(flow.state === undefined ? {} : { state: toJson(flow.state) }),
    ...troubleOf(flow),
  };
}

export function troubleJson(flow: FlowDescription): Json<typeof troubleSchema> {
  const { state, stateBytes, waitingOn } = flow;
  return {
    ...(state === undefined || stateBytes > maxListedBytes ? {} : { state: toJson(state) }),
    ...troubleOf(flow),
    ...(waitingOn?.due === undefined ? {} : { until: timeOf(waitingOn.due) }),
  };
}

function troubleOf({ stateBytes, failed, retrying, stays }: FlowDescription) {
  return {
    stateBytes,
    ...(failed === undefined ? {} : { failed: failedJson(failed) }),
    retrying: retrying.map(failedJson),
    stays: stays.map(failureJson),
  };
}

function waitJson({ what, label, due }: WaitingOn): Json<typeof waitSchema> {
  return { what, label, ...(due === undefined ? {} : { due: timeOf(due) }) };
}

function failedJson({ operation, attempts, failures }: FailedOperation): Json<typeof failedSchema> {
  return { operation, attempts, failures: failures.map(failureJson) };
}

function failureJson({ at, ...failure }: FailureRecord): Json<typeof failureSchema> {
  return { ...failure, at: timeOf(at) };
}

export const checkpointSchema = z
  .object({
    records: z
      .array(z.object({ key: z.string(), value: z.base64() }))
      .describe('head and journal as they lie in the state of the shard; for `weir flow compat`'),
  })
  .meta({ id: 'FlowCheckpoint' });

export function checkpointJson(parts: readonly CheckpointPart[]): Json<typeof checkpointSchema> {
  return { records: parts.map(({ key, value }) => ({ key, value: Buffer.from(value).toString('base64') })) };
}
