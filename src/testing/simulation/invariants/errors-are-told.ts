/**
 * W11, W7: what a worker logs as an error goes to the stream of errors, if the worker lives on; and no worker tells of
 * more than somebody could read. For nodes whose errors are told.
 */
import { decodeError, errorTopic } from '../../../worker/index.ts';
import type { SimEvent } from '../events.ts';
import type { Invariant } from '../world.ts';

/** The first error of a process is told at once; what stands in its way, such as a log that waits, ends with the faults. */
const firstWithinMs = 5_000;
/** Repeats are told once a minute. */
const repeatsWithinMs = 65_000;
const periodMs = 60_000;
/** 100 kinds that begin at once, 2 more each second, the repeats of 500 that are known, and what was left out. */
const mostInPeriod = 100 + 2 * 60 + 500 + 1;

/** One process of a worker. */
interface Life {
  /** When it logged the first error that it has not told of since. */
  owes: number | undefined;
  /** When each record of the last minute was written; undefined before the first one. */
  told: number[] | undefined;
}

/** Whether it should have told of an error by now. */
export function owes({ owes: since, told }: Life, now: number): boolean {
  if (since === undefined) return false;
  return now - since > (told === undefined ? firstWithinMs : repeatsWithinMs);
}

export function errorsAreTold(): Invariant {
  const lives = new Map<string, Life>();

  function tells(life: Life, { at, records, ...event }: Extract<SimEvent, { type: 'append' }>): string | undefined {
    life.owes = undefined;
    life.told = [...(life.told ?? []).filter((before) => at - before < periodMs), ...records.map(() => at)];
    if (life.told.length > mostInPeriod) return `${event.worker} told of ${life.told.length} errors within a minute`;
    const unreadable = records.some(({ value }) => value === null || decodeError(value) === undefined);
    return unreadable ? `${event.worker} wrote an error that nobody can read` : undefined;
  }

  return {
    name: 'errors are told',
    hears: ['up', 'down', 'note', 'append'],
    event(event, violate) {
      const process = `${event.node}/${event.worker}`;
      if (event.type === 'up') lives.set(process, { owes: undefined, told: undefined });
      if (event.type === 'down') lives.delete(process);
      const life = lives.get(process);
      if (life === undefined) return;
      if (event.type === 'note' && event.what === 'logs an error') life.owes ??= event.at;
      const wrong = event.type === 'append' && event.topic === errorTopic ? tells(life, event) : undefined;
      if (wrong !== undefined) violate(wrong);
    },
    end({ nodes, scheduler }, violate) {
      for (const { planned, workers } of nodes) {
        if (planned.errors !== true) continue;
        for (const { name } of workers) {
          const life = lives.get(`${planned.name}/${name}`);
          if (life === undefined || !owes(life, scheduler.now)) continue;
          violate(`${name} of ${planned.name} logged an error at ${life.owes} ms, and has told of none since`);
        }
      }
    },
  };
}
