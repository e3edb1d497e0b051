/** What runs have seen: which faults struck, and which states the world was in. */
import type { FlowHead } from '../../persistence/index.ts';
import type { SimEvent } from './events.ts';
import type { SimFaultWord } from './plan.ts';
import type { RunResult } from './run.ts';

export class Coverage {
  readonly faults = new Map<SimFaultWord, number>();
  /** Sentences such as `buy STUCK in settle`, with the number of times each was seen. */
  readonly states = new Map<string, number>();

  /** By flow: what it was seen in last. */
  readonly #last = new Map<string, { readonly status: string; readonly stage: string; readonly sentence: string }>();

  add({ faults }: Pick<RunResult, 'faults'>): void {
    for (const [word, times] of faults) this.faults.set(word, (this.faults.get(word) ?? 0) + times);
  }

  event(event: SimEvent): void {
    switch (event.type) {
      case 'refused':
        this.#seen(`commit refused: ${event.code}`);
        return;
      case 'down':
        this.#seen(`worker down: ${event.why.slice(0, 40)}`);
        return;
      case 'fenced':
        this.#seen('shard taken from its owner');
        return;
      case 'restored':
        this.#seen(`shard read ahead: ${event.ahead}`);
        return;
      case 'client':
        this.#seen(`client ${event.what}`);
        return;
      case 'sent':
        if (event.fate !== 'passed') this.#seen(`message ${event.fate}`);
        return;
      case 'applied':
        for (const { value: head } of event.contents.heads) {
          if (head !== undefined) this.#seen(this.#sentence(head));
        }
    }
  }

  /** Made once for each state of a flow: heads are written all the time. */
  #sentence({ flow, status, stage }: FlowHead): string {
    const known = this.#last.get(flow);
    if (known?.status === status && known.stage === stage) return known.sentence;
    const sentence = `${flow} ${status} in ${stage}`;
    this.#last.set(flow, { status, stage, sentence });
    return sentence;
  }

  #seen(state: string): void {
    this.states.set(state, (this.states.get(state) ?? 0) + 1);
  }
}
