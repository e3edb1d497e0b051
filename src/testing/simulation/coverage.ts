/** What runs have seen: which faults struck, and which states the world was in. */
import type { SimEvent } from './events.ts';
import type { SimFaultWord } from './plan.ts';
import type { RunResult } from './run.ts';

export class Coverage {
  readonly faults = new Map<SimFaultWord, number>();
  /** Sentences such as `buy STUCK in settle`, with the number of times each was seen. */
  readonly states = new Map<string, number>();

  add({ faults }: Pick<RunResult, 'faults'>): void {
    for (const [word, times] of faults) this.faults.set(word, (this.faults.get(word) ?? 0) + times);
  }

  event(event: SimEvent): void {
    const state = stateOf(event);
    for (const text of state) this.states.set(text, (this.states.get(text) ?? 0) + 1);
  }
}

function stateOf(event: SimEvent): readonly string[] {
  switch (event.type) {
    case 'refused':
      return [`commit refused: ${event.code}`];
    case 'down':
      return [`worker down: ${event.why.slice(0, 40)}`];
    case 'fenced':
      return ['shard taken from its owner'];
    case 'client':
      return [`client ${event.what}`];
    case 'sent':
      return event.fate === 'passed' ? [] : [`message ${event.fate}`];
    case 'applied':
      return event.contents.heads.flatMap(({ value: head }) =>
        head === undefined ? [] : [`${head.flow} ${head.status} in ${head.stage}`],
      );
    default:
      return [];
  }
}
