/** What a liar makes of another member's message before it sends it under its own name. */
import { sessionMessage } from '../../actors/session-manager/index.ts';
import { WeirError } from '../../errors/index.ts';
import type { Random } from '../../ports/index.ts';

/** The message as it is; or the one that comes next, which its true sender has not sent: whoever takes it shows it. */
export function lie(random: Random): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => {
    if (random.next() < 0.3) return bytes;
    try {
      const message = sessionMessage.decode(bytes);
      const { sequence, received, consumed } = message;
      return sessionMessage.encode(
        message.kind === 'ack'
          ? { ...message, received: received + 1, consumed: consumed + 1 }
          : { ...message, sequence: sequence + 1 },
      );
    } catch (error) {
      // What cannot be read cannot be changed in a way that means something.
      if (WeirError.is(error, 'WEIR_RECORD_UNREADABLE')) return bytes;
      throw error;
    }
  };
}
