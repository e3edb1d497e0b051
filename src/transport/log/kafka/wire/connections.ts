/** How a client reaches a cluster: its connections, and who is who behind them. Owns their defaults. */
import type { ConnectionOptions } from 'node:tls';
import { type Clock, systemClock } from '../../../../ports/index.ts';
import { Directory } from './directory.ts';
import type { Sasl } from './kafkajs.ts';
import type { Address } from './lane.ts';
import { Lanes } from './lanes.ts';

export interface KafkaWireSetup {
  /** `host:port` of some brokers; the others are learnt from them. */
  readonly brokers: readonly string[];
  /** How brokers see this client in their logs and quotas. Default `weir`. */
  readonly clientId?: string;
  /** TLS, as `tls.connect` takes it; `{}` trusts the usual authorities. Default: none. */
  readonly tls?: ConnectionOptions;
  readonly sasl?: Sasl;
  /** Default 10 000. */
  readonly connectTimeoutMs?: number;
  /**
   * How long an answer may take, on top of what the request itself waits for. Default 30 000. Brokers give up on
   * acknowledgements of replicas (error 7) a fifth earlier.
   */
  readonly requestTimeoutMs?: number;
  /** For timeouts. Default: the machine's. */
  readonly clock?: Clock;
}

export interface Connections {
  readonly clock: Clock;
  readonly lanes: Lanes;
  readonly directory: Directory;
  readonly timeoutMs: number;
}

export function connectionsOf(setup: KafkaWireSetup): Connections {
  const { brokers, clientId = 'weir', clock = systemClock(), tls, sasl } = setup;
  const { connectTimeoutMs = 10_000, requestTimeoutMs: timeoutMs = 30_000 } = setup;
  const lanes = new Lanes({ clock, clientId, tls, sasl, connectTimeoutMs });
  return { clock, lanes, directory: new Directory({ lanes, seeds: brokers.map(addressOf), timeoutMs }), timeoutMs };
}

export function addressOf(broker: string): Address {
  const match = /^\[?(.+?)\]?:(\d{1,5})$/.exec(broker);
  if (match?.[1] === undefined) throw new Error(`a broker is given as host:port, not as ${broker}`);
  return { host: match[1], port: Number(match[2]) };
}
