/**
 * The parts of kafkajs 2.2.4 that the wire stands on, by deep import; nothing else of the project imports them.
 *
 * Taken: the connection (framing, correlation, TLS, SASL) and the definitions of most requests. Left: its cluster, which
 * retries and waits by itself and gives every broker two connections on which a parked fetch or join holds everything
 * else up; and its record batches, whose decoder hides headers and never ends on emptied batches. A test trips when the
 * files that this relies on change.
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

const require = createRequire(import.meta.url);

export interface Sasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: string;
}

export interface ProtocolRequest<T> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    readonly encode: () => Promise<unknown>;
  };
  readonly response: { readonly decode: (payload: Buffer) => Promise<T>; readonly parse: <D>(data: D) => D };
}

export interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
  fulfillRequest(answer: { correlationId: number; payload: Buffer; size: number }): void;
}

export interface Connection {
  readonly socket?: Socket;
  readonly requestQueue: RequestQueue;
  isConnected(): boolean;
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  authenticate(): Promise<void>;
  setVersions(versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>>): void;
  setSupportAuthenticationProtocol(supported: boolean): void;
  rejectRequests(error: Error): void;
  /** Set while credentials are exchanged, whose answers may be no answers to requests. */
  readonly authHandlers: object | null;
  processData(data: Buffer): void;
  send<T>(request: ProtocolRequest<T>): Promise<T>;
}

interface ConnectionOptionsOfKafkajs {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly ssl: ConnectionOptions | null;
  /** kafkajs writes its authenticator into it. */
  readonly sasl: (Sasl & Record<string, unknown>) | null;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  readonly enforceRequestTimeout: boolean;
  readonly logger: unknown;
  readonly socketFactory: (setup: {
    readonly host: string;
    readonly port: number;
    readonly ssl: ConnectionOptions | null;
    readonly onConnect: () => void;
  }) => Socket;
}

interface Encoder {
  buf: Uint8Array;
  offset: number;
}

const ConnectionOfKafkajs: new (
  options: ConnectionOptionsOfKafkajs,
) => Connection = require('kafkajs/src/network/connection');
const EncoderOfKafkajs: new (size: number) => Encoder = require('kafkajs/src/protocol/encoder');

type Definition<Args, Answer> = (args: Args) => ProtocolRequest<Answer>;
type Definitions = Readonly<
  Record<string, { protocol(of: { version: number }): (args: object) => ProtocolRequest<unknown> }>
>;

const { requests }: { requests: Definitions } = require('kafkajs/src/protocol/requests');

/** A connection to one broker, whose socket gives whole answers; logs nothing, so that no secret can get into a log. */
export function newConnection(options: Omit<ConnectionOptionsOfKafkajs, 'logger'>): Connection {
  const connection = new ConnectionOfKafkajs({ ...options, logger: silent });
  quieten(connection.requestQueue);
  takeWhole(connection);
  return connection;
}

/** kafkajs would join each answer with what is left of the one before, which is nothing: a copy of it all. */
function takeWhole(connection: Connection): void {
  const takePieces = connection.processData.bind(connection);
  connection.processData = (frame) => {
    if (connection.authHandlers !== null) {
      takePieces(frame);
      return;
    }
    const size = frame.readInt32BE();
    const payload = frame.subarray(8);
    connection.requestQueue.fulfillRequest({ size, correlationId: frame.readInt32BE(4), payload });
  };
}

/**
 * kafkajs sets a timer that is due at once, again and again, while nothing is pending (its issues 1556 and 1704): a core
 * that is idle is not idle then.
 */
export function quieten(queue: Pick<RequestQueue, 'pending' | 'scheduleCheckPendingRequests'>): void {
  const schedule = queue.scheduleCheckPendingRequests.bind(queue);
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule();
  };
}

/** Bytes as kafkajs takes the body of a request. */
export function encoded(body: Uint8Array): unknown {
  const encoder = new EncoderOfKafkajs(0);
  // As they are: it would copy them.
  encoder.buf = body;
  encoder.offset = body.length;
  return encoder;
}

/** A request as kafkajs defines it, without its judgement of the answer: codes are answers here, not exceptions. */
function definition<Args extends object, Answer>(api: string, version: number): Definition<Args, Answer> {
  return (args) => {
    const build = requests[api]?.protocol({ version });
    if (build === undefined) throw new Error(`kafkajs has no ${api}`);
    const { request, response } = build(args);
    // The shape of the answer is kafkajs's own; the suite against a real broker reads every field that is used.
    return {
      request,
      response: { decode: response.decode as ProtocolRequest<Answer>['response']['decode'], parse: same },
    };
  };
}

export const kafkajsRequests = {
  apiVersions: definition<
    object,
    { errorCode: number; apiVersions: ReadonlyArray<{ apiKey: number; minVersion: number; maxVersion: number }> }
  >('ApiVersions', 2),
  findCoordinator: definition<
    { groupId: string; coordinatorType: 0 | 1 },
    { errorCode: number; coordinator: { nodeId: number; host: string; port: number } }
  >('GroupCoordinator', 2),
  initProducerId: definition<
    { transactionalId: string; transactionTimeout: number },
    { errorCode: number; producerId: string; producerEpoch: number }
  >('InitProducerId', 1),
  listOffsets: definition<
    {
      replicaId: number;
      isolationLevel: number;
      topics: ReadonlyArray<{ topic: string; partitions: ReadonlyArray<{ partition: number; timestamp: number }> }>;
    },
    { responses: ReadonlyArray<{ partitions: ReadonlyArray<{ errorCode: number; offset: string }> }> }
  >('ListOffsets', 3),
  deleteRecords: definition<
    {
      topics: ReadonlyArray<{ topic: string; partitions: ReadonlyArray<{ partition: number; offset: string }> }>;
      timeout: number;
    },
    { topics: ReadonlyArray<{ partitions: ReadonlyArray<{ errorCode: number }> }> }
  >('DeleteRecords', 1),
  createTopics: definition<
    {
      topics: ReadonlyArray<{
        topic: string;
        numPartitions: number;
        replicationFactor: number;
        configEntries: ReadonlyArray<{ name: string; value: string }>;
      }>;
      timeout: number;
    },
    { topicErrors: ReadonlyArray<{ topic: string; errorCode: number; errorMessage: string | null }> }
  >('CreateTopics', 3),
  describeConfigs: definition<
    { resources: ReadonlyArray<{ type: number; name: string }>; includeSynonyms: boolean },
    {
      resources: ReadonlyArray<{
        errorCode: number;
        configEntries: ReadonlyArray<{ configName: string; configValue: string | null }>;
      }>;
    }
  >('DescribeConfigs', 2),
  listGroups: definition<
    object,
    { errorCode: number; groups: ReadonlyArray<{ groupId: string; protocolType: string }> }
  >('ListGroups', 2),
  describeGroups: definition<
    { groupIds: readonly string[] },
    {
      groups: ReadonlyArray<{ errorCode: number; groupId: string; members: ReadonlyArray<{ clientId: string }> }>;
    }
  >('DescribeGroups', 2),
  deleteTopics: definition<
    { topics: readonly string[]; timeout: number },
    { topicErrors: ReadonlyArray<{ topic: string; errorCode: number }> }
  >('DeleteTopics', 1),
  joinGroup: definition<
    {
      groupId: string;
      sessionTimeout: number;
      rebalanceTimeout: number;
      memberId: string;
      protocolType: string;
      groupProtocols: ReadonlyArray<{ name: string; metadata: Buffer }>;
    },
    {
      errorCode: number;
      generationId: number;
      leaderId: string;
      memberId: string;
      members: ReadonlyArray<{ memberId: string; memberMetadata: Buffer }>;
    }
  >('JoinGroup', 5),
  syncGroup: definition<
    {
      groupId: string;
      generationId: number;
      memberId: string;
      groupAssignment: ReadonlyArray<{ memberId: string; memberAssignment: Buffer }>;
    },
    { errorCode: number; memberAssignment: Buffer | null }
  >('SyncGroup', 3),
  heartbeat: definition<
    { groupId: string; groupGenerationId: number; memberId: string; groupInstanceId: null },
    { errorCode: number }
  >('Heartbeat', 3),
  leaveGroup: definition<
    { groupId: string; memberId: string },
    { errorCode: number; members: ReadonlyArray<{ errorCode: number }> }
  >('LeaveGroup', 3),
};

function same<T>(data: T): T {
  return data;
}

const nothing = (): void => undefined;
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing, namespace: (): unknown => silent };
