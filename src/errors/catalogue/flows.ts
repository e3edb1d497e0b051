/** Errors: what the flow engine answers: definitions, inputs and results, determinism, the hospital, persistent actors. */
import type { CatalogueArea } from './entry.ts';

export const flows = {
  WEIR_FLOW_DEFINITION: {
    message: 'the flow {name} is not well defined: {why}',
    remedy: 'correct the definition; nothing was started',
    status: 500,
  },
  WEIR_PROTOCOL_DEFINITION: {
    message: 'the protocol "{name}" is not well defined: {why}',
    remedy: 'correct the definition; nothing was started',
    status: 500,
  },
  WEIR_ACTOR_DEFINITION: {
    message: 'the persistent actor "{name}" is not well defined: {why}',
    remedy: 'correct the definition; nothing was started',
    status: 500,
  },
  WEIR_RETRY_INVALID: {
    message: 'a retry policy is not valid: {why}',
    remedy: 'give attempts as a whole number from 1 on, min and max as durations',
    status: 500,
  },
  WEIR_FLOW_OPERATION_FORGOTTEN: {
    message: 'stage {stage} of flow {flow} made {what} and never ran it',
    remedy: 'put "yield*" in front of it; then retry the flow',
    status: 500,
  },
  WEIR_FLOW_OUTCOME_FORGOTTEN: {
    message: 'stage {stage} of flow {flow} called {what} and returned something else',
    remedy: 'put "return" in front of it; then retry the flow',
    status: 500,
  },
  WEIR_FLOW_UNKNOWN: {
    message: 'member {member} has no flow {flow}{hint?}',
    remedy: 'name one that clients can start, or register it when the node starts',
    status: 404,
  },
  WEIR_FLOW_RESPONDS: {
    message: 'flow {flow} is started by sessions of protocol {protocol}, not by clients',
    remedy: 'start the flow of the other side, which opens such a session with {member}',
    status: 409,
  },
  WEIR_FLOW_NOT_FOUND: {
    message: 'there is no flow {flowId}',
    remedy: 'check the id; finished flows leave after their retention',
    status: 404,
  },
  WEIR_FLOW_INPUT_INVALID: {
    message: 'the input does not fit flow {flow}: {why}',
    remedy:
      'correct the input and start again; nothing was started. JSON has no bigint and no date: for such a field the schema of the flow has to take text as well (z.coerce.bigint(), z.coerce.date())',
    status: 400,
  },
  WEIR_FLOW_STATE_INVALID: {
    message: 'the state for stage {stage} of flow {flow} does not fit: {why}',
    remedy: 'correct the call of become(), then retry the flow',
    status: 500,
  },
  WEIR_FLOW_RESULT_INVALID: {
    message: 'the result of flow {flow} does not fit: {why}',
    remedy: 'correct what the flow returns, then retry it',
    status: 500,
  },
  WEIR_FLOW_CONFLICT: {
    message: 'client request id {clientRequestId} was used for another body; it belongs to flow {flowId}',
    remedy: 'use a new client request id, or send the same flow and input as before',
    status: 409,
  },
  WEIR_FLOW_REQUEST_ID_INVALID: {
    message: 'the client request id is not valid: {why}',
    remedy: 'use 1 to 200 printable characters',
    status: 400,
  },
  WEIR_CODE_RUNAWAY: {
    message: 'code of the flow had the processor for {ms} ms without giving way, and was stopped',
    remedy:
      'look for a loop that does not end, or for work that belongs into another process; start the node with the mended code, then retry the flow',
    status: 500,
  },
  WEIR_FLOW_DIVERGED: {
    message:
      'flow {flow} took another path than its journal at operation {index}: {found} where {expected} was recorded',
    remedy:
      'the stage must do the same at every replay: take time, randomness and effects from the context; then retry',
    status: 500,
  },
  WEIR_FLOW_CRASHED: {
    message:
      'flow {flow} has run in stage {stage}, at operation {index}, each of the {deaths} times that its worker ended, and the last time nothing else ran there',
    remedy:
      'look for what ends the process there (memory, an endless loop, process.exit) and mend it; start the node with the mended code, then retry the flow: it runs alone at first',
    status: 500,
  },
  WEIR_FLOW_INCOMPATIBLE: {
    message:
      'flow {flow} has begun stage {stage} with version {from}, and version {to} cannot go on in the middle of it: at operation {index} there is {found} where {expected} was recorded',
    remedy:
      'put the definition of version {from} into "previous" of version {to}, or let the stage do the same as before up to there; start the node with it, then retry the flow',
    status: 500,
  },
  WEIR_FLOW_NOT_LIFTED: {
    message: 'flow {flow}, in stage {stage} of version {from}, cannot be lifted to version {to}: {why}',
    remedy:
      'let migrate(from, stage, state) of version {to} give a stage and a state that fit; start the node with it, then retry the flow',
    status: 500,
  },
  WEIR_FLOW_BRANCH_CANCELLED: {
    message: 'the branch was cancelled',
    remedy: 'join a branch before it is cancelled, or catch this',
    status: 500,
  },
  WEIR_STEP_TIMEOUT: {
    message: 'attempt {attempt} of step "{step}" took longer than {ms} ms, and was given up',
    remedy: 'look why it takes so long; a step that needs more time says so: step(name, body, { timeout: "1 hour" })',
    status: 504,
    retryable: true,
  },
  WEIR_STEP_DEADLINE: {
    message: 'step "{step}" was not done before its deadline',
    remedy: 'catch this in the flow, or give the step a longer deadline',
    status: 504,
  },
  WEIR_COMPENSATION_FAILED: {
    message: 'the compensation "{step}" failed: {why}',
    remedy: 'see to it that it can be done, then retry the flow; or do it by hand, and skip it',
    status: 500,
  },
  WEIR_FLOW_EXPIRED: {
    message: 'flow {flow} has expired: {why}, and nothing happened for its idle time',
    remedy: 'start it again; a flow that may wait longer declares a longer `idle`',
    status: 500,
  },
  WEIR_FLOW_STUCK: {
    message: 'flow {flowId} is STUCK: its cleanup cannot run',
    remedy: 'retry it, skip what failed, or kill it',
    status: 409,
  },
  WEIR_SIGNAL_UNKNOWN: {
    message: 'flow {flow} declares no signal "{signal}"{hint?}',
    remedy: 'send one that the flow declares under `signals`',
    status: 404,
  },
  WEIR_SIGNAL_INVALID: {
    message: 'the body does not fit signal "{signal}" of flow {flow}: {why}',
    remedy: 'correct the body and send it again; the flow was told nothing',
    status: 400,
  },
  WEIR_SIGNAL_CONFLICT: {
    message: 'flow {flowId} was given another signal under the id {signalId}',
    remedy: 'give each signal an id of its own; repeat one only with the same name and body',
    status: 409,
  },
  WEIR_SIGNALS_FULL: {
    message: 'flow {flowId} takes no more signals: {why}',
    remedy: 'wait until it has read some; a flow that is told much for long is better written as several',
    status: 429,
    retryable: true,
  },
  WEIR_QUERY_UNKNOWN: {
    message: 'flow {flow} answers no query "{query}"',
    remedy: 'ask one that the flow declares under `queries`',
    status: 404,
  },
  WEIR_QUERY_FAILED: {
    message: 'query "{query}" of flow {flow} failed: {why}',
    remedy: 'correct the query of the flow: it must be a pure function that gives plain data; the flow is unharmed',
    status: 500,
  },
  WEIR_FLOW_DEADLOCK: {
    message: 'stage {stage} of flow {flow} waits for nothing: its branches wait for each other',
    remedy: 'do not let a branch join one that waits for it; then retry the flow',
    status: 500,
  },
  WEIR_FLOW_CODE_MISSING: {
    message: 'no code for flow {flow} version {version} at stage {stage}',
    remedy: 'start the node with the version of the flow that wrote this checkpoint',
    status: 500,
  },
  WEIR_FLOW_OPERATION_UNKNOWN: {
    message: 'flow {flow} yielded something that is not an operation in stage {stage}: {found}',
    remedy: 'use "yield*" with the functions of the context, never plain "yield"',
    status: 500,
  },
  WEIR_FLOW_NOT_STUCK: {
    message: 'flow {flowId} is {status}, only a STUCK flow can be retried',
    remedy: 'nothing to do',
    status: 409,
  },
  WEIR_FLOW_NOTHING_TO_SKIP: {
    message: 'flow {flowId} is not STUCK at an operation that could be skipped',
    remedy: 'retry it, with another state if need be, or kill it',
    status: 409,
  },
  WEIR_FLOW_FINISHED: {
    message: 'flow {flowId} has ended as {status}',
    remedy: 'nothing to do; a final status never changes',
    status: 409,
  },
  WEIR_FLOW_TOO_LARGE: {
    message: '{what} of flow {flow} has {bytes} bytes, the limit is {limit}',
    remedy: 'keep large data elsewhere and carry a reference',
    status: 500,
  },
  WEIR_FLOW_TOO_LONG: {
    message: 'stage {stage} of flow {flow} has made {limit} operations, which is the limit',
    remedy: 'let long loops go on in another visit with become(): it takes a snapshot and drops the journal',
    status: 500,
  },
  WEIR_STEP_EXHAUSTED: {
    message: 'step {step} failed {attempts} times: {why}',
    remedy: 'mend the cause, then retry the flow',
    status: 500,
  },
  WEIR_ACTOR_UNKNOWN: {
    message: 'there is no persistent actor of type {actor} taking {type}',
    remedy: 'register the actor when the node starts',
    status: 404,
  },
  WEIR_ACTOR_FAILED: {
    message: 'the persistent actor {actor} failed on {type}: {why}',
    remedy: 'mend its behaviour, then retry the flow that asked; its state was not changed',
    status: 500,
  },
} as const satisfies CatalogueArea;
