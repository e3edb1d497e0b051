/** Talks to a running node over HTTP; answers are checked for what the commands show of them, and no more. */
import { z } from 'zod';
import { ensureError, WeirError } from '../errors/index.ts';
import { Refusal } from './failure.ts';

const member = z.object({ name: z.string(), group: z.string() });
const fault = z.object({
  code: z.string(),
  message: z.string(),
  remedy: z.string().optional(),
  at: z.string().optional(),
  details: z.unknown().optional(),
});

export const flowAnswer = z.looseObject({
  flowId: z.string(),
  flow: z.string(),
  member,
  clientRequestId: z.string(),
  status: z.string(),
  stage: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  startedBy: z.string(),
  history: z.array(z.object({ at: z.string(), act: z.string(), principal: z.string(), reason: z.string() })).optional(),
  progress: z
    .array(z.object({ number: z.number(), at: z.string(), text: z.string(), details: z.unknown().optional() }))
    .optional(),
  result: z.unknown().optional(),
  error: fault.optional(),
});
export type FlowAnswer = z.output<typeof flowAnswer>;

export const startedAnswer = z.looseObject({ flowId: z.string(), created: z.boolean() });

export const signalledAnswer = z.looseObject({ accepted: z.boolean() });
export const queryAnswer = z.looseObject({ value: z.unknown().optional() });

export const pageAnswer = z.looseObject({ flows: z.array(flowAnswer), cursor: z.string().optional() });

export const checkpointAnswer = z.looseObject({ records: z.array(z.object({ key: z.string(), value: z.string() })) });

const failure = z.object({ at: z.string(), code: z.string(), message: z.string(), place: z.string() });
const failedOperation = z.object({ operation: z.string(), attempts: z.number(), failures: z.array(failure) });

export const waitingAnswer = z.looseObject({
  visit: z.number(),
  operations: z.number(),
  unread: z.number(),
  waitingOn: z.object({ what: z.string(), label: z.string(), due: z.string().optional() }).optional(),
  sessions: z.array(
    z.object({ protocol: z.string(), peer: member, sent: z.number(), received: z.number(), state: z.string() }),
  ),
  state: z.unknown().optional(),
  failed: failedOperation.optional(),
  retrying: z.array(failedOperation),
  stays: z.array(failure),
});

export const hospitalAnswer = z.looseObject({
  flows: z.array(
    z.looseObject({
      flowId: z.string(),
      flow: z.string(),
      member,
      stage: z.string(),
      updatedAt: z.string(),
      error: z.looseObject({ code: z.string(), message: z.string() }),
      trouble: z
        .looseObject({
          state: z.unknown().optional(),
          until: z.string().optional(),
          failed: failedOperation.optional(),
          stays: z.array(failure),
        })
        .optional(),
    }),
  ),
  cursor: z.string().optional(),
});
export type HospitalAnswer = z.output<typeof hospitalAnswer>;

export const treatedAnswer = z.looseObject({
  flowIds: z.array(z.string()),
  done: z.number(),
  refused: z.array(z.object({ flowId: z.string(), code: z.string(), message: z.string() })),
  cursor: z.string().optional(),
});

export const statusAnswer = z.looseObject({
  ready: z.boolean(),
  waiting: z.array(z.string()),
  services: z.array(
    z.object({
      id: z.string(),
      state: z.string(),
      waitsOn: z.array(z.string()),
      restarts: z.number(),
      lastFailure: z.string().optional(),
      lacks: z.array(z.string()).optional(),
    }),
  ),
  shards: z.array(
    z.object({
      partition: z.number(),
      phase: z.string(),
      restarts: z.number(),
      lastFailure: z.string().optional(),
    }),
  ),
  log: z.object({ driver: z.string(), state: z.string(), error: z.string().optional(), since: z.string().optional() }),
});

const actor = z.looseObject({
  path: z.string(),
  uid: z.number(),
  state: z.string(),
  restarts: z.number(),
  mailbox: z.number(),
  waitMs: z.number(),
  turnMs: z.number(),
  lastFailure: z.string().optional(),
  facts: z.record(z.string(), z.unknown()).optional(),
  get children() {
    return z.array(actor);
  },
  /** Children that are not shown. */
  below: z.number().optional(),
});
export type ActorAnswer = z.output<typeof actor>;
export const treeAnswer = z.looseObject({ actors: z.array(actor) });

export const steeredAnswer = z.looseObject({ path: z.string(), act: z.string(), state: z.string().optional() });

export const traceAnswer = z.looseObject({
  seen: z.number(),
  entries: z.array(
    z.looseObject({
      at: z.string(),
      kind: z.string(),
      waitMs: z.number(),
      tookMs: z.number().optional(),
      waiting: z.number(),
      outcome: z.string(),
    }),
  ),
});
export type TraceAnswer = z.output<typeof traceAnswer>;

export const eventsAnswer = z.looseObject({
  events: z.array(z.looseObject({ at: z.string(), type: z.string(), path: z.string(), why: z.string().optional() })),
  next: z.number(),
  missed: z.number(),
});
export type EventsAnswer = z.output<typeof eventsAnswer>;

export const faultAnswer = z.looseObject({
  id: z.number(),
  text: z.string(),
  since: z.string(),
  until: z.string().optional(),
  left: z.number().optional(),
  struck: z.number(),
});
export const chaosAnswer = z.looseObject({ active: z.array(faultAnswer), struck: z.record(z.string(), z.number()) });
export const clearedAnswer = z.looseObject({ cleared: z.array(faultAnswer) });

export const errorsAnswer = z.looseObject({
  errors: z.array(
    z.looseObject({
      at: z.string(),
      since: z.string(),
      worker: z.string(),
      service: z.string(),
      severity: z.string(),
      code: z.string(),
      message: z.string(),
      count: z.number(),
      causes: z.array(z.string()),
      remedy: z.string(),
      actor: z.string().optional(),
      flowId: z.string().optional(),
      member: z.string().optional(),
      details: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
  /** What to ask for what comes after this. */
  next: z.number(),
});
export type ErrorsAnswer = z.output<typeof errorsAnswer>;

export const workersAnswer = z.looseObject({
  /** The worker that answers. */
  self: z.string(),
  workers: z.array(
    z.looseObject({
      worker: z.string(),
      version: z.string(),
      roles: z.array(z.string()),
      address: z.string().optional(),
      state: z.string(),
      seenAt: z.string(),
      waiting: z.array(z.string()),
      shards: z.number(),
      drained: z.object({ principal: z.string(), reason: z.string(), at: z.string() }).optional(),
      load: z.object({ cpu: z.number(), memoryBytes: z.number() }),
    }),
  ),
});

export const shardsAnswer = z.looseObject({
  shards: z.array(
    z.looseObject({
      partition: z.number(),
      worker: z.string().optional(),
      phase: z.string(),
      term: z.string().optional(),
      lag: z.number().optional(),
      position: z.number().optional(),
      restarts: z.number(),
      lastFailure: z.string().optional(),
    }),
  ),
});

export const movedAnswer = z.looseObject({ shard: z.number(), worker: z.string() });
export const drainedAnswer = z.looseObject({ worker: z.string(), act: z.string() });

/** A refusal. */
export const problem = z.looseObject({
  code: z.string(),
  detail: z.string(),
  remedy: z.string(),
  status: z.number(),
  retryable: z.boolean(),
});

export interface NodeClient {
  get<T extends z.ZodType>(schema: T, path: string, query?: Query): Promise<z.output<T>>;
  post<T extends z.ZodType>(schema: T, path: string, body: unknown, query?: Query): Promise<z.output<T>>;
  delete<T extends z.ZodType>(schema: T, path: string, query?: Query): Promise<z.output<T>>;
}

type Query = Readonly<Record<string, string | number | undefined>>;

/** Beyond the time a request may wait for by itself. */
const marginMs = 30_000;

/**
 * @param url address of the node, such as `http://127.0.0.1:7447`
 * @param waitMs the longest that a request of this command waits by itself
 */
export function nodeClient(url: string, waitMs = 0): NodeClient {
  async function request<T extends z.ZodType>(
    schema: T,
    path: string,
    query: Query,
    { method, body }: { readonly method: string; readonly body?: unknown },
  ): Promise<z.output<T>> {
    const target = addressOf(url, path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(name, String(value));
    }
    let response: Response;
    let text: string;
    try {
      response = await fetch(target, {
        signal: AbortSignal.timeout(waitMs + marginMs),
        method,
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (thrown) {
      throw new WeirError('WEIR_NODE_UNREACHABLE', { url, why: whyUnreachable(thrown) });
    }
    const answer = parsedJson(text);
    if (!response.ok) {
      const told = problem.safeParse(answer);
      if (told.success) throw new Refusal(told.data);
    }
    const fits = schema.safeParse(answer);
    if (!response.ok || !fits.success) {
      const why = `what listens there is no Weir node of this version (HTTP ${response.status})`;
      throw new WeirError('WEIR_NODE_UNREACHABLE', { url, why });
    }
    return fits.data;
  }
  return {
    get: (schema, path, query = {}) => request(schema, path, query, { method: 'GET' }),
    post: (schema, path, body, query = {}) => request(schema, path, query, { method: 'POST', body }),
    delete: (schema, path, query = {}) => request(schema, path, query, { method: 'DELETE' }),
  };
}

/** @throws WeirError `WEIR_CLI_USAGE` for what is no URL */
export function addressOf(url: string, path: string): URL {
  try {
    return new URL(`/api/v1${path}`, url);
  } catch {
    throw new WeirError('WEIR_CLI_USAGE', { why: `"${url}" is not the URL of a node`, help: 'weir --help' });
  }
}

export function whyUnreachable(thrown: unknown): string {
  const error = ensureError(thrown);
  const cause = error.cause === undefined ? error : ensureError(error.cause);
  const code = 'code' in cause ? cause.code : undefined;
  if (code === 'ECONNREFUSED') return 'the connection was refused';
  if (error.name === 'TimeoutError') return 'it did not answer in time';
  return cause.message === '' ? String(code) : cause.message;
}

export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whatever listens there does not speak JSON; the caller says so.
    return undefined;
  }
}
