/** Two flows that talk, as plainly as possible: what the tests of sessions run. */
import { z } from 'zod';
import { ApplicationError, flow, type Operation, protocol } from '../../../src/index.ts';
import { encodeValue } from '../../../src/persistence/index.ts';

export const talk = protocol('talk', {
  version: 1,
  initiator: { say: z.string() },
  responder: { reply: z.string() },
});

/** Says `words`, one after the other, then hears as many replies as it said words, unless `replies` says otherwise. */
export const caller = flow('caller', {
  version: 1,
  result: z.array(z.string()),
  states: { start: z.object({ peer: z.string(), words: z.array(z.string()), replies: z.number().optional() }) },
  stages: {
    *start({ peer, words, replies = words.length }, { session }) {
      const other = yield* session(peer, talk);
      for (const word of words) yield* other.send('say', word);
      const heard: string[] = [];
      while (heard.length < replies) heard.push((yield* other.receive()).body);
      return heard;
    },
  },
});

/** Echoes what it hears, until the other side closes; its result is all it heard. */
export const echo = flow('echo', {
  version: 1,
  responds: talk,
  result: z.string(),
  states: { start: z.object({ from: z.object({ name: z.string(), group: z.string() }) }) },
  stages: {
    *start({ from }, { initiator }) {
      const heard: string[] = [];
      try {
        for (;;) {
          const { body } = yield* initiator.receive();
          heard.push(body);
          yield* initiator.send('reply', `${body}!`);
        }
      } catch (error) {
        return `${from.name}: ${heard.join(' ')} (${error instanceof Error ? Reflect.get(error, 'code') : ''})`;
      }
    },
  },
});

/** The code of the error that `script` throws; `none` when it throws nothing. */
export function* codeOf(script: Operation<unknown>): Operation<string> {
  try {
    yield* script;
    return 'none';
  } catch (error) {
    return error instanceof ApplicationError ? error.code : String(error);
  }
}

/** The body of a message. */
export function body(value: unknown): Uint8Array {
  return encodeValue(value, 'a body');
}
