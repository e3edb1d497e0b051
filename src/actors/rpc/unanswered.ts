/**
 * Requests that the service has taken and not answered yet. When an incarnation ends, the next one answers them in its
 * place: a client that waits for a result, or to be told that its flow is accepted, need not know that anything has
 * failed. Only requests that may be handled twice: a start is deduplicated by its request id.
 */
import type { Ref } from '../kernel/index.ts';
import type { RpcMessage, RpcRequest } from './protocol.ts';

type Start = Extract<RpcRequest, { type: 'start' }>;
type Result = Extract<RpcRequest, { type: 'result' }>;
type Repeatable = Start | Result;

export class Unanswered {
  /** How each is asked again. */
  readonly #requests = new Set<(now: number) => Repeatable>();

  /** The message as the service is to handle it: it notes by itself that it is answered. */
  noted(message: RpcMessage, now: number): RpcMessage {
    switch (message.type) {
      case 'start':
        return this.#start(message);
      case 'result':
        return this.#result(message, now);
      default:
        return message;
    }
  }

  /** All of them, to be handled anew; waits have become shorter meanwhile. */
  take(now: number): Repeatable[] {
    const requests = [...this.#requests];
    this.#requests.clear();
    return requests.map((again) => again(now));
  }

  #start(request: Start): Start {
    const again = (): Start => request;
    this.#requests.add(again);
    return { ...request, replyTo: onReply(request.replyTo, () => this.#requests.delete(again)) };
  }

  #result(request: Result, now: number): Result {
    const until = now + request.waitMs;
    const again = (at: number): Result => ({ ...request, waitMs: Math.max(0, until - at) });
    this.#requests.add(again);
    return { ...request, replyTo: onReply(request.replyTo, () => this.#requests.delete(again)) };
  }
}

/** A reference that tells of the answer before it passes it on. */
function onReply<Message>(ref: Ref<Message>, answered: () => void): Ref<Message> {
  return {
    path: ref.path,
    uid: ref.uid,
    tell(message) {
      answered();
      return ref.tell(message);
    },
  };
}
