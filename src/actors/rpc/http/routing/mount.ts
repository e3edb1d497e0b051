/** Puts declared routes on the server: what they answer goes out as it is, what they throw is the server's to refuse. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Answer, Route } from './route.ts';

const jsonType = 'application/json; charset=utf-8';

export function mount(app: FastifyInstance, routes: readonly Route[]): void {
  for (const { method, path, alias, replies, answer } of routes) {
    for (const url of alias === undefined ? [path] : [path, alias]) {
      app.route({
        method,
        url,
        handler: async (request, reply) => send(reply, replies, await answer(request)),
      });
    }
  }
}

/** Ready-made JSON text, so that nothing is compiled or guessed for each request. */
function send(reply: FastifyReply, replies: Route['replies'], { status, body, headers = {} }: Answer): FastifyReply {
  const declared = replies[status];
  const asText = declared !== undefined && 'contentType' in declared;
  return reply
    .code(status)
    .headers(headers)
    .header('content-type', asText ? declared.contentType : jsonType)
    .send(asText ? body : JSON.stringify(body));
}
