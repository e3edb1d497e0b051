/**
 * Who may reach an edge without TLS and authentication: programs of the same machine, and nobody through a browser.
 * A page of another site could name a host that resolves to loopback (DNS rebinding), or simply post to it; both are
 * seen in headers that a page cannot choose.
 */
import { WeirError } from '../../../errors/index.ts';
import { isLoopback } from './address.ts';

/** @throws WeirError `WEIR_HTTP_HOST`, `WEIR_HTTP_ORIGIN` */
export function checkSource(method: string, host: string | undefined, origin: string | undefined): void {
  if (host === undefined || !isLoopback(nameOf(host))) throw new WeirError('WEIR_HTTP_HOST', { host: host ?? '' });
  // What only reads needs no check: without permission (CORS), which is never given, pages of others see no answer.
  if (origin === undefined || method === 'GET' || method === 'HEAD') return;
  if (origin !== `http://${host}`) throw new WeirError('WEIR_HTTP_ORIGIN', { origin });
}

/** Host header without its port. */
function nameOf(host: string): string {
  return host.replace(/:\d+$/, '');
}
