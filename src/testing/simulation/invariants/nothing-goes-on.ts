/**
 * W7: what has been taken is acknowledged, so nobody sends it for ever. When everything has finished the world becomes
 * quiet: no message between shards or flows is sent any more.
 */
import { sessionMessage } from '../../../actors/session-manager/index.ts';
import { decodeRouted } from '../../../actors/shard/index.ts';
import type { SimEvent } from '../events.ts';
import type { Invariant } from '../world.ts';

/** Longer than the longest pause after which a message is sent again. */
const quietMs = 38_000;

export function nothingGoesOn(): Invariant {
  let newest: SimEvent | undefined;
  return {
    name: 'nothing goes on for ever',
    hears: ['append', 'sent'],
    event(event) {
      // What it was is read at the end alone: before that it would only cost.
      if (event.type === 'append' || event.type === 'sent') newest = event;
    },
    end({ scheduler }, violate) {
      const wrong = stillSent(newest, scheduler.now);
      if (wrong !== undefined) violate(wrong);
    },
  };
}

/** What was sent just now, in words; undefined when that was long ago, or asks for no answer. */
export function stillSent(newest: SimEvent | undefined, now: number): string | undefined {
  const what = newest === undefined || now - newest.at > quietMs ? undefined : whatIs(newest);
  return what && `everything has finished, and ${newest?.node}/${newest?.worker} still sends ${what}`;
}

function whatIs(event: SimEvent): string | undefined {
  if (event.type === 'sent') {
    const { kind, session, sequence } = sessionMessage.decode(event.bytes);
    return `${kind} ${sequence} of session ${session}`;
  }
  if (event.type !== 'append' || !event.topic.endsWith('.events')) return undefined;
  for (const { value } of event.records) {
    const message = value === null ? undefined : decodeRouted(value);
    if (message?.type === 'delivery') return `entry ${message.entries.at(-1)?.number} of shard ${message.from}`;
  }
  return undefined;
}
