/** The checkpoint of one flow as records, as its shard keeps them, and unfinished flows from such records. */
import { WeirError } from '../../errors/index.ts';
import { flowHead, isTerminal, journalEntry } from '../../persistence/index.ts';
import type { Checkpoint } from './dry-run.ts';
import { type FlowInstance, headKey, journalKey } from './instance.ts';
import type { CheckpointPart } from './protocol.ts';

/** Head and journal: what code is judged by. */
export function partsOf({ id, head, journal }: FlowInstance): CheckpointPart[] {
  const parts: CheckpointPart[] = [{ key: headKey(id), value: flowHead.encode(head) }];
  for (const [place, entry] of journal.entries()) {
    if (entry !== undefined) parts.push({ key: journalKey(id, head.visit, place), value: journalEntry.encode(entry) });
  }
  return parts;
}

/** Takes records, a head before its journal; gives the unfinished flows among them. */
export class CheckpointReader {
  readonly #found = new Map<string, Checkpoint & { readonly journal: Array<Checkpoint['journal'][number]> }>();
  readonly #unreadable = new Set<string>();

  /** Records of other kinds are passed over. */
  take({ key, value }: CheckpointPart): void {
    const [kind, id = '', visit = '', place = ''] = key.split('/');
    if (id.startsWith('@') || (kind !== 'c' && kind !== 'j')) return;
    try {
      if (kind === 'c') {
        const head = flowHead.decode(value);
        if (!isTerminal(head.status)) this.#found.set(id, { id, head, journal: [] });
        return;
      }
      const flow = this.#found.get(id);
      if (flow?.head.visit === Number(visit)) flow.journal[Number(place)] = journalEntry.decode(value);
    } catch (error) {
      if (!WeirError.is(error, 'WEIR_RECORD_UNREADABLE')) throw error;
      this.#found.delete(id);
      this.#unreadable.add(id);
    }
  }

  /** Every unfinished flow, oldest first. */
  get checkpoints(): Iterable<Checkpoint> {
    return this.#found.values();
  }

  /** Ids of flows whose checkpoint this version of Weir cannot read. */
  get unreadable(): readonly string[] {
    return [...this.#unreadable];
  }
}
