/**
 * The catalogue of errors: every code that Weir can answer with, once.
 * `message` and `remedy` are templates over the error's context (`{name}`; `{name?}` where it may be absent); `status`
 * is the HTTP status at an edge.
 */
export interface CatalogueEntry {
  readonly message: string;
  readonly remedy: string;
  readonly status: number;
  /** The same request may succeed later without a change. Default false. */
  readonly retryable?: boolean;
}

const entries = {
  // Actors
  WEIR_MAILBOX_FULL: {
    message: 'the mailbox of {path} is full ({capacity} messages)',
    remedy: 'slow down and send again later',
    status: 429,
    retryable: true,
  },
  WEIR_ACTOR_DEAD: {
    message: 'the actor {path} is not running',
    remedy: 'look it up again; it may have been restarted under a new reference',
    status: 503,
    retryable: true,
  },
  WEIR_ASK_TIMEOUT: {
    message: '{path} did not answer within {withinMs} ms',
    remedy: 'ask again, or give it more time',
    status: 503,
    retryable: true,
  },
  WEIR_NAME_IN_USE: {
    message: 'the name {name} is in use under {path}',
    remedy: 'choose another name, or wait until the actor of this name has terminated',
    status: 409,
  },
  WEIR_NAME_INVALID: {
    message: '"{name}" is not a valid actor name: {why}',
    remedy: 'use 1 to 200 characters without "/"',
    status: 400,
  },
  WEIR_ESCALATED: {
    message: '{path} failed and could not be helped',
    remedy: 'see the cause; what failed is at the end of the chain',
    status: 503,
    retryable: true,
  },
  WEIR_POLICY_FAILED: {
    message: '{path} failed, and so did its failure policy: {policy}',
    remedy: 'correct the policy (onFailure); the failure of the actor is the cause of this one',
    status: 500,
  },
  WEIR_TURN_DEADLINE: {
    message: 'a turn of {path} took longer than {withinMs} ms and was abandoned',
    remedy: 'see what it waits for, or raise its turn deadline',
    status: 503,
    retryable: true,
  },
  WEIR_ACTOR_STALLED: {
    message: '{path} has handled nothing for {withinMs} ms, while {waiting} messages waited',
    remedy: 'see what its turn waits for, or give it more time',
    status: 503,
    retryable: true,
  },
  WEIR_ACTOR_NOT_FOUND: {
    message: 'there is no actor at {path}',
    remedy: 'see the paths with "weir tree"',
    status: 404,
  },
  WEIR_ACTOR_NOT_STEERABLE: {
    message: 'the actor {path} does not {act}: {why}',
    remedy: 'see its state with "weir tree", and try again when that has changed',
    status: 409,
  },
  WEIR_ACTOR_RESTARTED: {
    message: 'a restart of {path} was asked for from outside',
    remedy: 'nothing is to be done: no fault of the actor was seen',
    status: 503,
    retryable: true,
  },
  WEIR_LOOP_BLOCKED: {
    message: 'the event loop has stood still for {blockedMs} ms, held {by} {where}; the process ends; report: {report}',
    remedy: 'move long work out of the process or cut it into pieces; the node goes on from what was committed',
    status: 500,
  },
  WEIR_NOT_AN_ACTOR: {
    message: '{path} is not the reference of an actor that {by} may {act}',
    remedy: 'use the reference that spawn returned',
    status: 500,
  },
  WEIR_SUPERVISION_INVALID: {
    message: 'the supervision specification is wrong at {path}: {why}',
    remedy: 'correct the specification; nothing was started',
    status: 500,
  },
  WEIR_CHILD_DOWN: {
    message: 'child {id} is down: it failed again after {restarts} restarts',
    remedy: 'see the cause; when it is removed, restart the child or its owner',
    status: 503,
    retryable: true,
  },
  WEIR_CHILD_ENDED: {
    message: 'child {id} has ended ({how}), and its supervisor had not told it to',
    remedy: 'a child that may end by itself is transient or temporary',
    status: 500,
  },
  WEIR_CHILD_UNKNOWN: {
    message: 'the supervisor has no child {id}{hint}',
    remedy: 'ask for its status to see its children',
    status: 404,
  },
  WEIR_CHILD_EXISTS: {
    message: 'the supervisor has a child {id} already; it is {state}',
    remedy: 'restart that one, delete it first, or choose another id',
    status: 409,
  },
  WEIR_CHILD_RUNS: {
    message: 'child {id} is {state}: only what is down or stopped can be restarted or deleted',
    remedy: 'terminate it first',
    status: 409,
  },
  WEIR_CHILD_NEEDED: {
    message: 'child {id} is needed by {by}',
    remedy: 'delete first what needs it',
    status: 409,
  },
  WEIR_CHILD_NOT_STARTED: {
    message: 'child {id} has not started: {why}',
    remedy: 'see the cause; when it is removed, ask again',
    status: 503,
    retryable: true,
  },
  WEIR_NOTHING_LEFT: {
    message: 'nothing runs under {path} any more, and nothing can start',
    remedy: 'see the cause: the child that went down last',
    status: 503,
    retryable: true,
  },
  WEIR_START_TIMEOUT: {
    message: '{path} was not ready within {withinMs} ms; it waits on {waitsOn}',
    remedy: 'see the cause in the log, or raise its start deadline',
    status: 503,
    retryable: true,
  },
  WEIR_DEADLINE: {
    message: '{what} did not finish within {withinMs} ms',
    remedy: 'see the log for what it waits on',
    status: 503,
    retryable: true,
  },

  // Shards
  WEIR_SHARD_PARTITIONS: {
    message: '{topic}/{partition} was written with {found} partitions, the node is configured for {expected}',
    remedy: 'configure the number it was created with; it is fixed for a data directory',
    status: 500,
  },
  WEIR_SHARD_UNAVAILABLE: {
    message: 'shard {partition} is not running here yet',
    remedy: 'try again shortly',
    status: 503,
    retryable: true,
  },
  WEIR_SHARD_BUSY: {
    message: 'shard {partition} has too much work waiting',
    remedy: 'slow down and try again later',
    status: 429,
    retryable: true,
  },

  // Testing
  WEIR_CLOCK_RESTLESS: {
    message: 'work did not come to rest within {rounds} turns at one moment of virtual time',
    remedy: 'something tells itself for ever; use a timer between its rounds',
    status: 500,
  },

  WEIR_SIMULATION_AMBIENT: {
    message: 'code under simulation reached for {what}',
    remedy: 'take it from the port ({port}): what a seed does not decide cannot be replayed',
    status: 500,
  },
  WEIR_SIMULATION_SCENARIO: {
    message: 'the scenario {scenario} cannot run: {why}',
    remedy: 'correct the scenario; docs/guide/testing.md has a whole one',
    status: 400,
  },
  WEIR_SIMULATION_SEED: {
    message: '"{seed}" is no seed of this simulation: {why}',
    remedy: 'use a seed as it was printed, with the version of Weir that printed it',
    status: 400,
  },

  // Flows
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
  WEIR_FLOW_DIVERGED: {
    message:
      'flow {flow} took another path than its journal at operation {index}: {found} where {expected} was recorded',
    remedy:
      'the stage must do the same at every replay: take time, randomness and effects from the context; then retry',
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

  // Members and sessions
  WEIR_MEMBER_UNKNOWN: {
    message: 'there is no member {member} in group {group}{hint?}',
    remedy: 'check the name and the group',
    status: 404,
  },
  WEIR_MESSAGE_INVALID: {
    message: 'message {type} does not fit protocol {protocol}: {why}',
    remedy: 'correct the message',
    status: 400,
  },
  WEIR_SESSION_CLOSED: {
    message: 'session {session} with {peer} is closed',
    remedy: 'open a new session, or do not use it after close()',
    status: 409,
  },
  WEIR_SESSION_FAILED: {
    message: 'session {session} with {peer} has failed: {why}',
    remedy: 'see the flow at the peer',
    status: 502,
  },
  WEIR_SESSION_NO_RESPONDER: {
    message: 'member {member} answers no protocol {protocol} version {version}',
    remedy: 'check the name and version of the protocol on both sides',
    status: 404,
  },

  // Requests
  WEIR_REQUEST_INVALID: {
    message: 'the request is not valid: {why}',
    remedy: 'correct the request',
    status: 400,
  },
  WEIR_REQUEST_NOT_FOUND: {
    message: 'member {member} has no flow for client request id {clientRequestId}',
    remedy: 'check the id; request ids of finished flows are forgotten after their retention',
    status: 404,
  },
  WEIR_FLOW_UNFINISHED: {
    message: 'flow {flowId} is {status} and has no result yet{why?}',
    remedy: 'wait longer; if it is STUCK, mend the cause and retry it',
    status: 409,
  },
  WEIR_NODE_NOT_READY: {
    message: 'the node is not ready: {waitsOn}',
    remedy: 'try again shortly',
    status: 503,
    retryable: true,
  },
  WEIR_NODE_STOPPED: {
    message: 'the node has been stopped',
    remedy: 'start it again and ask the new one; unfinished flows go on there',
    status: 503,
    retryable: true,
  },
  WEIR_WAITING_FULL: {
    message: 'there are {waiting} requests waiting for results already',
    remedy: 'ask without wait, or try again later',
    status: 429,
    retryable: true,
  },
  WEIR_HTTP_ADDRESS: {
    message: 'HTTP without TLS and authentication listens on loopback only, and {host} is another address',
    remedy: 'listen on 127.0.0.1, ::1 or localhost; nothing was started',
    status: 500,
  },
  WEIR_HTTP_PORT_IN_USE: {
    message: 'port {port} of {host} is in use by another process',
    remedy: 'choose another port, or stop what listens there',
    status: 500,
  },
  WEIR_HTTP_LISTEN: {
    message: 'cannot listen on port {port} of {host}: {why}',
    remedy: 'choose a port from 1024 to 65535, or 0 for any that is free',
    status: 500,
  },
  WEIR_HTTP_HOST: {
    message: 'the request was made for the host "{host}", and this node answers for loopback names only',
    remedy: 'use http://127.0.0.1, http://[::1] or http://localhost',
    status: 403,
  },
  WEIR_HTTP_ORIGIN: {
    message: 'pages of {origin} may not do this',
    remedy: 'send the request from a program, or from a page of this node',
    status: 403,
  },
  WEIR_HTTP_ROUTE: {
    message: 'there is nothing at {path}',
    remedy: 'see docs/http.md for the paths; all of them begin with /api/v1',
    status: 404,
  },
  WEIR_HTTP_METHOD: {
    message: '{method} is not possible at {path}',
    remedy: 'use {allow}',
    status: 405,
  },
  WEIR_HTTP_MALFORMED: {
    message: 'the request cannot be read: {why}',
    remedy: 'send a complete HTTP request with a body of well-formed JSON',
    status: 400,
  },
  WEIR_HTTP_TOO_LARGE: {
    message: 'the body of the request is larger than {limit} bytes',
    remedy: 'keep large data elsewhere and send a reference; nothing was started',
    status: 413,
  },
  WEIR_HTTP_MEDIA_TYPE: {
    message: 'a body of type {found} cannot be read',
    remedy: 'send JSON with the header "Content-Type: application/json"',
    status: 415,
  },
  WEIR_CONFIGURATION_INVALID: {
    message: 'the configuration is wrong at {path}: {why}',
    remedy: 'correct it; nothing was started',
    status: 500,
  },
  WEIR_CONFIGURATION_UNREADABLE: {
    message: 'the configuration {file} cannot be read: {why}',
    remedy: 'correct the file, or name another with --config; weir.sample.yaml is one to begin with',
    status: 500,
  },
  WEIR_MODULE_UNUSABLE: {
    message: 'the configuration names {module} at {path}, and {why}',
    remedy: 'correct the path (relative to the configuration file) or the name behind "#"; nothing was started',
    status: 500,
  },
  WEIR_INTERNAL: {
    message: 'something went wrong inside the node',
    remedy: 'see the log of the node, and report it',
    status: 500,
  },

  // Command line
  WEIR_NODE_UNREACHABLE: {
    message: 'no node answers at {url}: {why}',
    remedy: 'start one with "weir up", or name the address of another with --url or WEIR_URL',
    status: 503,
    retryable: true,
  },
  WEIR_CLI_USAGE: {
    message: '{why}',
    remedy: 'see {help}',
    status: 400,
  },

  // Workers
  WEIR_WORKERS_NEED_KAFKA: {
    message: 'workers share a log, and this node keeps its own in {data}, which one process uses at a time',
    remedy:
      'set "log: { driver: kafka, brokers: [...] }" in the configuration, or start the one process with "weir up"',
    status: 400,
  },
  WEIR_WORKERS_NONE: {
    message: 'this node is one process with a log of its own: there are no workers between which shards could move',
    remedy: 'see "weir status" for its shards, or keep its log on Kafka and start several workers',
    status: 409,
  },
  WEIR_WORKER_UNKNOWN: {
    message: 'there is no worker "{worker}"{hint?}',
    remedy: 'see "weir workers" for those that are there',
    status: 404,
  },
  WEIR_WORKER_SILENT: {
    message: 'worker {worker} has not been heard of since {since}',
    remedy: 'see whether its process runs and reaches the brokers; its shards run elsewhere',
    status: 409,
  },
  WEIR_WORKER_DRAINED: {
    message: 'worker {worker} is drained and takes no shards',
    remedy: 'let it take part again with "weir undrain", or name another worker',
    status: 409,
  },
  WEIR_WORKER_LAST: {
    message: 'without worker {worker} no worker is left that takes shards: every flow would stand still',
    remedy: 'start another worker, or let a drained one take part again with "weir undrain"; nothing was done',
    status: 409,
  },
  WEIR_SHARD_UNKNOWN: {
    message: 'there is no shard {shard}: they are numbered 0 to {last}',
    remedy: 'see "weir shards"',
    status: 404,
  },
  WEIR_WORKERS_ENDED: {
    message: 'no worker is left: the last one ended again and again ({why})',
    remedy: 'see what the workers have said before they ended',
    status: 503,
  },

  // Access
  WEIR_FORBIDDEN: {
    message: '{principal} may not {action} here',
    remedy: 'ask for the permission',
    status: 403,
  },

  // Values and records
  WEIR_VALUE_UNSUPPORTED: {
    message: '{what} cannot be kept: {path} is {found}',
    remedy: 'use plain data: null, booleans, numbers, strings, bigint, Date, Map, Set, Uint8Array, arrays and objects',
    status: 400,
  },
  WEIR_RECORD_UNREADABLE: {
    message: 'a record of {what} cannot be read: {why}',
    remedy: 'it was written by a newer version, or is damaged: do not delete it, see docs/decisions/records.md',
    status: 500,
  },
  WEIR_DURATION_INVALID: {
    message: '"{value}" is not a duration{why?}',
    remedy:
      "write a number with a unit, such as '250 ms', '30s', '15 min' or '2 days'; in code, a number is milliseconds",
    status: 400,
  },

  // Log
  WEIR_LOG_FENCED: {
    message: 'shard {topic}/{partition} was taken over by a newer term than {term}',
    remedy: 'nothing: this incarnation stops, the newer owner goes on',
    status: 503,
    retryable: true,
  },
  WEIR_LOG_CLOSED: {
    message: 'the log is closed',
    remedy: 'start the node again',
    status: 503,
    retryable: true,
  },
  WEIR_LOG_IN_USE: {
    message: 'the data directory {directory} is in use by another process',
    remedy: 'stop the other process, or choose another directory',
    status: 503,
  },
  WEIR_LOG_DIRECTORY: {
    message: 'the data directory {directory} cannot be used: {why}',
    remedy: 'name a directory that this process may make and write, or give it the right to; nothing was started',
    status: 500,
  },
  WEIR_LOG_VERSION: {
    message: 'the data directory {directory} has format {found}, this version reads {expected}',
    remedy: 'use the version of Weir that wrote it, or migrate it',
    status: 500,
  },
  WEIR_LOG_DAMAGED: {
    message: 'the data directory {directory} is damaged: {why}',
    remedy: 'restore it from a backup; nothing was changed',
    status: 500,
  },
  WEIR_LOG_TOPIC: {
    message: 'topic {topic} {why}',
    remedy: 'a topic keeps the partition count and cleanup policy it was created with',
    status: 500,
  },
  WEIR_LOG_TOO_LARGE: {
    message: '{what} has {bytes} bytes; the log takes {limit}',
    remedy: 'write less at once; nothing of it was written',
    status: 413,
  },
  WEIR_LOG_TOPIC_SETTINGS: {
    message: 'topic {topic} has {setting}={found}, but it needs {expected}',
    remedy: 'run: {command}',
    status: 500,
  },
  WEIR_LOG_OUT_OF_STEP: {
    message: 'partition {topic}/{partition} is not as this worker left it: {why}',
    remedy:
      'nothing at first: the shard is claimed again and restored from the log; if it goes on, find out who else writes to the topic, or whether an unclean leader election lost commits',
    status: 503,
    retryable: true,
  },
  WEIR_LOG_UNREACHABLE: {
    message: '{what} waits for the brokers: {why}',
    remedy: 'start the brokers or mend the way to them: work goes on by itself',
    status: 503,
    retryable: true,
  },
  WEIR_LOG_REFUSED: {
    message: 'the brokers refused {what}: {why}',
    remedy: 'give the user of this worker the right to do so, or change what the brokers refuse; then start it again',
    status: 500,
  },
  WEIR_LOG_UNSAFE: {
    message: 'the brokers do not keep an older writer out: {why}',
    remedy: 'use Apache Kafka 3.6 or later, or a service that runs its brokers; exactly once cannot be had on these',
    status: 500,
  },
  WEIR_LOG_DISK_FULL: {
    message: 'no space left in {directory}; commits wait',
    remedy: 'free some space: the node goes on by itself',
    status: 503,
    retryable: true,
  },

  // Failure injection
  WEIR_FAULT_INVALID: {
    message: 'the fault cannot be read: {why}',
    remedy: 'correct it; docs/guide/testing.md has the words, their targets and their measures',
    status: 400,
  },
  WEIR_FAULT_UNREACHABLE: {
    message: '{fault} cannot strike here: {why}',
    remedy: 'choose a fault or a target that this node has; nothing was done',
    status: 409,
  },
  WEIR_CHAOS_OFF: {
    message: 'this node allows no failure injection',
    remedy: 'start a node that is meant for it with "chaos: { allow: true }" in its configuration; nothing was done',
    status: 403,
  },
  // SQL
  WEIR_SQL_UNAVAILABLE: {
    message: 'the database cannot be reached: {why}',
    remedy: 'see that it runs and takes connections; nothing was changed, and the node keeps trying',
    status: 503,
    retryable: true,
  },
  WEIR_SQL_CONNECTION_LOST: {
    message: 'the connection to the database was lost: {what}',
    remedy: 'try again; where the outcome is unknown, look first, or repeat only what may take effect twice',
    status: 503,
    retryable: true,
  },
  WEIR_SQL_BUSY: {
    message: 'all {max} connections to the database are in use, and {waiting} callers wait for one',
    remedy: 'slow down and try again later',
    status: 429,
    retryable: true,
  },
  WEIR_SQL_DEADLINE: {
    message: '{what} did not finish within {limit}',
    remedy: 'see what it waits for in the database, or give it more time',
    status: 503,
    retryable: true,
  },
  WEIR_SQL_CANCELLED: {
    message: '{what} was cancelled by its caller',
    remedy: 'nothing to do',
    status: 409,
  },
  WEIR_SQL_CONFLICT: {
    message: 'a transaction met another one and was rolled back: {why}',
    remedy: 'run the whole transaction again',
    status: 409,
    retryable: true,
  },
  WEIR_SQL_CONSTRAINT: {
    message: 'the {what} refuses the change',
    remedy: 'correct what is written; nothing was changed',
    status: 409,
  },
  WEIR_SQL_VALUE: {
    message: 'the database cannot take a value: {why}',
    remedy: 'correct the value; nothing was changed',
    status: 400,
  },
  WEIR_SQL_RAISED: {
    message: 'the database refuses: {why}',
    remedy: 'see the function or trigger that raised it; nothing was changed',
    status: 409,
  },
  WEIR_SQL_RESULT_TOO_LARGE: {
    message: 'the result has more than {maxRows} rows',
    remedy: 'ask for fewer rows at a time, or raise maxRows',
    status: 413,
  },
  WEIR_SQL_STATEMENT: {
    message: 'a statement is wrong: {why}',
    remedy: 'correct the statement',
    status: 500,
  },
  WEIR_SQL_PARAMETER: {
    message: 'parameter {position} cannot be sent: {why}',
    remedy: 'see the table of values at the SQL port; nothing was sent',
    status: 500,
  },
  WEIR_SQL_ROW: {
    message: 'a result is not what was expected: {why}',
    remedy: 'correct the statement or the schema of its rows; the statement itself has taken effect',
    status: 500,
  },
  WEIR_SQL_LOGIN: {
    message: 'the database does not let this node in: {why}',
    remedy: 'correct user, password, database or the rights of the user',
    status: 500,
  },
  WEIR_SQL_FAILED: {
    message: 'the database failed: {why}',
    remedy: 'see the cause, and the log of the database',
    status: 500,
  },
  WEIR_SQL_CLOSED: {
    message: 'the database is closed',
    remedy: 'open it again, or start the node again',
    status: 503,
    retryable: true,
  },
  WEIR_SQL_IN_USE: {
    message: 'the database directory {directory} is in use by another process',
    remedy: 'stop the other process, or choose another directory',
    status: 503,
  },
  WEIR_SQL_DIRECTORY: {
    message: 'the database directory {directory} cannot be used: {why}',
    remedy: 'name a directory that this process may make and write; nothing was started',
    status: 500,
  },
  WEIR_SQL_MAYBE_LOST: {
    message: 'the machine went down while the database in {directory} was open; its last changes may be lost or torn',
    remedy: 'restore a backup, or look at its tables and open it once with acceptLoss; nothing was started',
    status: 500,
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof entries;
export const catalogue: Readonly<Record<ErrorCode, CatalogueEntry>> = entries;
