/**
 * Who hears of what happens in a world. Each event goes to those that watch its kind, and to nobody else: most kinds
 * concern few, and telling everybody of everything is a quarter of what a run costs.
 */
import type { SimEvent } from './events.ts';

export interface Watcher {
  readonly name: string;
  /** Kinds of events that it is told of. Default: all. */
  readonly hears?: readonly SimEvent['type'][];
  /** Called with each event that it hears; `violate` ends the run with this watcher's name. */
  event(event: SimEvent, violate: (text: string) => void): void;
}

type Hear = (event: SimEvent) => void;

export class Audience {
  readonly #watchers: readonly Watcher[];
  readonly #violate: (watcher: string, text: string) => void;
  readonly #hearing = new Map<SimEvent['type'], readonly Hear[]>();

  /** `violate` is told what each of the watchers finds wrong. */
  constructor(watchers: readonly Watcher[], violate: (watcher: string, text: string) => void) {
    this.#watchers = watchers;
    this.#violate = violate;
  }

  tell(event: SimEvent): void {
    let hearing = this.#hearing.get(event.type);
    if (hearing === undefined) {
      hearing = this.#those(event.type);
      this.#hearing.set(event.type, hearing);
    }
    for (const hear of hearing) hear(event);
  }

  #those(type: SimEvent['type']): readonly Hear[] {
    return this.#watchers
      .filter(({ hears }) => hears === undefined || hears.includes(type))
      .map((watcher) => {
        const violate = (text: string): void => this.#violate(watcher.name, text);
        return (event) => watcher.event(event, violate);
      });
  }
}
