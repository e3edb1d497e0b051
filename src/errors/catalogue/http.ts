/** Errors: what the HTTP edge answers. */
import type { CatalogueArea } from './entry.ts';

export const http = {
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
  WEIR_FEED_UPGRADE: {
    message: 'the feed speaks WebSocket, and the request does not',
    remedy: 'connect with a WebSocket client, or ask for one flow with GET /flows/{flowId}/result?wait=30s',
    status: 426,
  },
  WEIR_FEEDS_FULL: {
    message: 'there are {feeds} feeds open already',
    remedy: 'close feeds that nobody reads, ask another worker, or try again later',
    status: 429,
    retryable: true,
  },
} as const satisfies CatalogueArea;
