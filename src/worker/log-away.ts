/** Whether the log has gone away for good, as far as a node that stops can tell. */
import type { Clock, Timer } from '../ports/index.ts';
import type { Log, LogHealth } from '../transport/log/index.ts';

/** In milliseconds: brokers that are started anew, or change leaders, are back before. */
const logAwayMs = 10_000;

/**
 * `happens` rejects once the log has waited for 10 s on end, counted from now on; then there is no use in waiting for what
 * can only be finished with it. `over` ends the look-out.
 */
export function logAway(log: Log, clock: Clock): { readonly happens: Promise<never>; readonly over: () => void } {
  let timer: Timer | undefined;
  let over = false;
  const happens = new Promise<never>((_resolve, reject) => {
    const look = ({ state }: LogHealth): void => {
      if (state === 'ok' || over) {
        timer?.cancel();
        timer = undefined;
      } else timer ??= clock.after(logAwayMs, end);
    };
    const end = (): void => {
      const { state, error } = log.health();
      if (state === 'stalled') reject(error ?? new Error('the log waits'));
    };
    log.onHealth(look);
    look(log.health());
  });
  // Between two services that drain nobody hears of it.
  happens.catch(() => undefined);
  return {
    happens,
    over: () => {
      over = true;
      timer?.cancel();
    },
  };
}
