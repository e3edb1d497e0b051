/** Addresses that the edge may listen on, and what is said when one cannot be had. */
import { createServer, isIPv4, isIPv6 } from 'node:net';
import { ensureError, WeirError } from '../../../errors/index.ts';

export interface Address {
  readonly host: string;
  /** 0 means any that is free. */
  readonly port: number;
}

/** True for addresses and names that only programs of this machine can reach. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name === '::1' || name === '[::1]') return true;
  return name.startsWith('127.') && isIPv4(name);
}

/**
 * Refuses an address at once, before anything else of a node is started. Another process may still take the port
 * before the edge does; then the edge says the same, later.
 * @throws WeirError `WEIR_HTTP_ADDRESS`, `WEIR_HTTP_PORT_IN_USE`, `WEIR_HTTP_LISTEN`
 */
export async function checkAddress(address: Address): Promise<void> {
  const { host, port } = address;
  if (!isLoopback(host)) throw new WeirError('WEIR_HTTP_ADDRESS', { host });
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new WeirError('WEIR_HTTP_LISTEN', { host, port, why: 'there is no such port' });
  }
  if (port === 0) return;
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(address, error)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  });
}

/** What to say when listening failed. */
export function listenError({ host, port }: Address, thrown: unknown): WeirError {
  const error = ensureError(thrown);
  if ('code' in error && error.code === 'EADDRINUSE')
    return new WeirError('WEIR_HTTP_PORT_IN_USE', { host, port }, error);
  return new WeirError('WEIR_HTTP_LISTEN', { host, port, why: error.message }, error);
}

export function urlOf({ host, port }: Address): string {
  return `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
