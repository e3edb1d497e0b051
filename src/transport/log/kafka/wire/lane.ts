/**
 * One connection to one broker: opened on first use, authenticated, done with at the first failure.
 *
 * A broker answers the requests of a connection one after the other, so whatever may wait there gets a lane of its own.
 */
import net from 'node:net';
import tls, { type ConnectionOptions } from 'node:tls';
import type { Clock } from '../../../../ports/index.ts';
import { WireFailure } from '../wire.ts';
import { readingFrames } from './frames.ts';
import { type Connection, kafkajsRequests, newConnection, type ProtocolRequest, type Sasl } from './kafkajs.ts';

export interface LaneSettings {
  readonly clock: Clock;
  readonly clientId: string;
  readonly tls: ConnectionOptions | undefined;
  readonly sasl: Sasl | undefined;
  readonly connectTimeoutMs: number;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

const keepAliveMs = 60_000;

/** What is asked of a broker, by API key; Apache Kafka has all of it since 2.8, and 4.x still has. */
const needed: ReadonlyArray<readonly [name: string, apiKey: number, version: number]> = [
  ['Produce', 0, 7],
  ['Fetch', 1, 11],
  ['ListOffsets', 2, 3],
  ['Metadata', 3, 12],
  ['FindCoordinator', 10, 2],
  ['JoinGroup', 11, 5],
  ['Heartbeat', 12, 3],
  ['LeaveGroup', 13, 3],
  ['SyncGroup', 14, 3],
  ['CreateTopics', 19, 3],
  ['DeleteRecords', 21, 1],
  ['InitProducerId', 22, 1],
  ['DescribeConfigs', 32, 2],
];

export class Lane {
  readonly #settings: LaneSettings;
  readonly #address: Address;
  readonly #connection: Connection;
  readonly #onEnd: () => void;
  #opened: Promise<void> | undefined;
  #load = 0;
  #ended = false;

  constructor(settings: LaneSettings, address: Address, onEnd: () => void) {
    this.#settings = settings;
    this.#address = address;
    this.#onEnd = onEnd;
    this.#connection = newConnection({
      ...address,
      clientId: settings.clientId,
      ssl: settings.tls ?? null,
      sasl: settings.sasl === undefined ? null : { ...settings.sasl },
      connectionTimeout: settings.connectTimeoutMs,
      // Timeouts are the lane's own, by the clock port.
      requestTimeout: 2 ** 31 - 1,
      enforceRequestTimeout: false,
      socketFactory: (setup) => this.#socket(setup),
    });
  }

  /** Requests that are waiting for an answer. */
  get load(): number {
    return this.#load;
  }

  /**
   * One request, one answer; anything else ends the lane.
   * @param leaving called right before the request leaves; it does not when this throws, and the lane goes on
   */
  async send<T>(request: ProtocolRequest<T>, timeoutMs: number, leaving?: () => void): Promise<T> {
    const { clock, connectTimeoutMs } = this.#settings;
    const name = request.request.apiName;
    this.#load += 1;
    const expired = (): void => this.end(`no answer within ${timeoutMs} ms`);
    let timer = clock.after(connectTimeoutMs, () => this.end(`no connection within ${connectTimeoutMs} ms`));
    try {
      this.#opened ??= this.#open();
      await this.#opened;
      timer.cancel();
      timer = clock.after(timeoutMs, expired);
      leaving?.();
      return await this.#connection.send(request);
    } catch (error) {
      // Nothing was sent, and nothing is wrong with the connection.
      if (error instanceof WireFailure) throw error;
      this.end();
      throw new WireFailure(`${name} to ${this.#address.host}:${this.#address.port}: ${reasonOf(error)}`);
    } finally {
      timer.cancel();
      this.#load -= 1;
    }
  }

  /** Breaks the connection; what waits for an answer fails. */
  end(reason = 'the connection is closed'): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    this.#connection.rejectRequests(new Error(reason));
    // Its own way out waits for answers; there are none any more.
    this.#connection.disconnect().catch(() => undefined);
    this.#connection.socket?.destroy(new Error(reason));
  }

  async #open(): Promise<void> {
    await this.#connection.connect();
    const { apiVersions } = await this.#connection.send(kafkajsRequests.apiVersions({}));
    const versions = Object.fromEntries(apiVersions.map(({ apiKey, ...range }) => [apiKey, range]));
    for (const [name, apiKey, version] of needed) {
      const range = versions[apiKey];
      if (range === undefined || version < range.minVersion || version > range.maxVersion) {
        throw new Error(`the broker does not speak version ${version} of ${name}: Apache Kafka 2.8 or newer is needed`);
      }
    }
    this.#connection.setVersions(versions);
    this.#connection.setSupportAuthenticationProtocol(true);
    await this.#connection.authenticate();
  }

  #socket(setup: { host: string; port: number; ssl: ConnectionOptions | null; onConnect: () => void }): net.Socket {
    const { host, port, ssl, onConnect } = setup;
    const name = net.isIP(host) === 0 ? { servername: host } : {};
    const to = { host, port, ...readingFrames(() => socket) };
    const socket: net.Socket =
      ssl === null ? net.connect(to, onConnect) : tls.connect({ ...to, ...name, ...ssl }, onConnect);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    socket.once('close', () => this.end());
    return socket;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
