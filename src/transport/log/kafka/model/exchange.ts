/**
 * One request and its answer, between a client and the model: the fate it meets, and who hears what.
 */
import type { Random } from '../../../../ports/index.ts';
import { WireFailure } from '../wire.ts';
import type { RequestFate, RequestInfo } from './faults.ts';
import type { Line } from './line.ts';
import type { ModelSettings } from './settings.ts';

export interface Call<T> {
  readonly info: RequestInfo;
  /** The request at the broker. Answers now or later; `undefined` means that it never will. */
  readonly act: (answer: (value: T | undefined) => void) => void;
  /** What the broker answers when it refuses with this error. */
  readonly refusal: (error: number) => T;
}

export interface Connection {
  readonly settings: ModelSettings;
  readonly line: Line;
  /** Whether brokers can be reached, and how much slower than usual they are. */
  readonly cluster: { readonly up: boolean; readonly slowMs: number };
  readonly crash: () => void;
  /** Calls that have not ended; each fails when it is run. */
  readonly open: Set<() => void>;
}

export function exchange<T>(connection: Connection, call: Call<T>): Promise<T> {
  const { settings, line, cluster, open } = connection;
  const { clock, random, latencyMs, requestTimeoutMs } = settings;
  const fate = settings.faults.request?.(call.info) ?? 'ok';
  if (fate === 'crash-before') {
    connection.crash();
    return new Promise(() => undefined);
  }
  return new Promise((resolve, reject) => {
    const sentAt = clock.monotonic();
    let ended = false;
    const end = (settle: () => void): void => {
      if (ended) return;
      ended = true;
      open.delete(fail);
      settle();
    };
    const fail = (): void =>
      end(() => reject(new WireFailure(`no answer to ${call.info.api} ${call.info.about ?? ''}`.trimEnd())));
    const failLater = (): void =>
      void clock.after(Math.max(0, sentAt + requestTimeoutMs - clock.monotonic()), () => line.hear(fail));
    open.add(fail);

    const answer = (value: T | undefined): void => {
      if (fate === 'crash-after') connection.crash();
      else if (value === undefined || fate === 'lost-answer') failLater();
      else {
        const heard = asTold(fate, value, call.refusal);
        line.answer(delayOf(random, latencyMs) + cluster.slowMs, () => end(() => resolve(heard)), failLater);
      }
    };
    const arrive = (): void => {
      const refused = typeof fate === 'object' && 'refuse' in fate;
      if (!cluster.up) line.answer(0, fail, failLater);
      else if (refused) answer(call.refusal(fate.refuse));
      else call.act(answer);
    };

    if (fate === 'lost') {
      failLater();
      return;
    }
    const extraMs = typeof fate === 'object' && 'delayMs' in fate ? fate.delayMs : 0;
    // The client gives up on it, and it arrives all the same.
    if (extraMs >= requestTimeoutMs) failLater();
    line.send(delayOf(random, latencyMs) + extraMs, arrive, failLater);
    if (fate === 'twice') line.send(delayOf(random, latencyMs), arrive, failLater);
  });
}

/** What the client is told of an answer. */
function asTold<T>(fate: RequestFate, value: T, refusal: (error: number) => T): T {
  return typeof fate === 'object' && 'refuseAfter' in fate ? refusal(fate.refuseAfter) : value;
}

function delayOf(random: Random, { min, max }: { readonly min: number; readonly max: number }): number {
  return max > min ? min + random.next() * (max - min) : min;
}
