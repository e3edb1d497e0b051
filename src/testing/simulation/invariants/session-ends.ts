/**
 * How sessions end (SM9, SM10, SM11). Whoever is refused has sent something that wanted to be read; whoever is told that a
 * flow is over is told what is durable; and a flow whose protocol requires its close ends only when its peer has closed,
 * or the session has failed.
 */
import type { SessionMessage } from '../../../actors/session-manager/index.ts';
import type { FlowHead, SessionRecord } from '../../../persistence/index.ts';
import { messageIn } from '../reading.ts';
import type { Invariant } from '../world.ts';
import type { Lanes } from './session-lanes.ts';

/** `lanes` is kept up by the invariant that comes before this one. */
export function sessionEnds(lanes: Lanes): Invariant {
  function refused(message: SessionMessage): string | undefined {
    const lane = lanes.answeredBy(message);
    const kind = lane.kindOf(message.received);
    if (kind !== undefined && kind !== 'error') return undefined;
    return `${lane.name}: message ${message.received} is refused, and it is ${kind ?? 'none that was ever sent'}`;
  }

  function toldOver(message: SessionMessage): string | undefined {
    const lane = lanes.answeredBy(message);
    if (lanes.over(lane.receiver) || lanes.of(message).ended) return undefined;
    return `${lane.name}: its sender is told that nobody reads on, and the flow at its end goes on`;
  }

  function waitedFor(head: Readonly<FlowHead>, before: Readonly<FlowHead>): string | undefined {
    for (const session of before.sessions) {
      if (!session.requireClose || mayEnd(head, before, session)) continue;
      return `${lanes.between(before, session, 'in').name}: it has not been closed, and the flow that requires it has ended`;
    }
    return undefined;
  }

  function mayEnd(head: Readonly<FlowHead>, before: Readonly<FlowHead>, session: SessionRecord): boolean {
    const mine = lanes.between(before, session, 'out');
    const theirs = lanes.between(before, session, 'in');
    // A peer that never heard of it, or one that cannot be reached; a session that was refused, or that was silent.
    const nobody = mine.last === 0 || mine.overdue(head.updated) || mine.broken || mine.kindOf(mine.last) === 'error';
    return nobody || theirs.ended || session.peer !== 'open';
  }

  return {
    name: 'sessions end as agreed',
    hears: ['applied', 'sent'],
    event(event, violate) {
      let wrong: string | undefined;
      if (event.type === 'sent') {
        const message = messageIn(event.bytes);
        if (message.kind === 'reject') wrong = refused(message);
        if (message.kind === 'ack' && message.ended) wrong = toldOver(message);
      } else if (event.type === 'applied') {
        for (const { flowId, value: head } of event.contents.heads) {
          if (head?.status !== 'COMPLETED' || head.cancel !== null) continue;
          const before = event.headBefore(flowId);
          if (before !== undefined) wrong ??= waitedFor(head, before);
        }
      }
      if (wrong !== undefined) violate(wrong);
    },
  };
}
