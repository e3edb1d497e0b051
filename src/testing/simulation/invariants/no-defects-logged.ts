/** Code that runs as meant never logs some errors; where no fault has struck, it logs none at all. */
import type { Invariant } from '../world.ts';

/** Whatever happens around them, these say that something in here is wrong. */
const defects: readonly string[] = [
  'a turn failed outside its actor',
  'an actor failed while it ended',
  'a start that was given up failed while it ended',
  'a listener for dead letters failed',
  'a listener for events of actors failed',
  'a listener for escalations failed',
  'a listener of the supervisor failed',
  'parked a message of another shard',
];

/** What flows and actors of a workload may do on purpose. */
const meant: readonly string[] = ['flow is stuck', 'a persistent actor failed on a message'];

export function noDefectsLogged(): Invariant {
  let faults = 0;
  const starts = (text: string, beginnings: readonly string[]): boolean =>
    beginnings.some((beginning) => text.startsWith(beginning));
  return {
    name: 'no defect is logged',
    hears: ['fault', 'note'],
    event(event, violate) {
      if (event.type === 'fault') faults += 1;
      if (event.type !== 'note' || event.what !== 'logs an error') return;
      if (starts(event.text, defects) || (faults === 0 && !starts(event.text, meant))) violate(event.text);
    },
  };
}
