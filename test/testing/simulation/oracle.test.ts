import { describe, expect, it } from 'vitest';
import { contentsOf } from '../../../src/testing/simulation/commit-contents.ts';
import type { Happening } from '../../../src/testing/simulation/events.ts';
import { Oracle } from '../../../src/testing/simulation/oracle.ts';
import type { LogRecord } from '../../../src/transport/log/index.ts';

const shard = { topic: 'flow.state', partition: 0 };
const bytes = (text: string): Uint8Array => Buffer.from(text);
const record = (key: string, text: string): LogRecord => ({ key, value: bytes(text) });

/** What an oracle is told, and what it says. */
class Told {
  readonly said: string[] = [];
  readonly applied: number[] = [];
  readonly #oracle = new Oracle({
    onApplied: (_node, _worker, { sequence }) => void this.applied.push(sequence),
    violate: (invariant, text) => void this.said.push(`${invariant}: ${text}`),
  });

  #tell(happening: Happening, worker: string): this {
    this.#oracle.event({ at: 0, node: 'node', worker, ...happening });
    return this;
  }

  asks(worker: string): this {
    return this.#tell({ type: 'claiming', shard }, worker);
  }

  claims(counter: number, worker = `of ${counter}`): this {
    return this.#tell({ type: 'claimed', shard, term: { incarnation: 1, counter } }, worker);
  }

  restores(counter: number, ...records: readonly LogRecord[]): this {
    const found = { records, ahead: 'nothing was read' } as const;
    return this.#tell({ type: 'restored', shard, term: { incarnation: 1, counter }, ...found }, `of ${counter}`);
  }

  sends(counter: number, sequence: number, ...records: readonly LogRecord[]): this {
    const batch = { records, publications: [] };
    const commit = { shard, term: { incarnation: 1, counter }, sequence, batch, contents: contentsOf(batch) };
    return this.#tell({ type: 'commit', ...commit }, `of ${counter}`);
  }

  hears(counter: number, sequence: number): this {
    return this.#tell({ type: 'durable', shard, term: { incarnation: 1, counter }, sequence }, `of ${counter}`);
  }

  get inDoubt(): boolean {
    return this.#oracle.inDoubt;
  }
}

/** Term 1 has committed two records, and term 2 has claimed the shard. */
function taken(): Told {
  return new Told().claims(1).restores(1).sends(1, 1, record('a', '1'), record('b', '1')).hears(1, 1).claims(2);
}

describe('the oracle', () => {
  it('TK5 says nothing of a shard that holds what was acknowledged', () => {
    expect(taken().restores(2, record('a', '1'), record('b', '1')).said).toEqual([]);
  });

  it.each<[string, readonly LogRecord[]]>([
    ['b is missing', [record('a', '1')]],
    ['b has another value', [record('a', '1'), record('b', '2')]],
    ['c should not be there', [record('a', '1'), record('b', '1'), record('c', '1')]],
  ])('TK5 W2 finds a restored shard of which %s', (what, found) => {
    expect(taken().restores(2, ...found).said).toEqual([
      expect.stringContaining(
        `commits all or nothing: flow.state[0]: term 1.2 restored something else than was committed: ${what}`,
      ),
    ]);
  });

  it('TK5 W2 takes a commit in doubt as a whole, or not at all', () => {
    const doubtful = (): Told =>
      new Told().claims(1).restores(1).sends(1, 1, record('a', '1'), record('b', '1')).claims(2);
    expect(doubtful().inDoubt).toBe(true);
    const out = doubtful().restores(2);
    expect([out.said, out.applied, out.inDoubt]).toEqual([[], [], false]);
    const within = doubtful().restores(2, record('a', '1'), record('b', '1'));
    expect([within.said, within.applied, within.inDoubt]).toEqual([[], [1], false]);
    expect(doubtful().restores(2, record('a', '1')).said).toEqual([
      expect.stringContaining('(in doubt were commit 1 of term 1.1)'),
    ]);
  });

  it('TK5 finds an acknowledgement of what a later owner did not find', () => {
    const told = new Told().claims(1).restores(1).sends(1, 1, record('a', '1')).claims(2).restores(2).hears(1, 1);
    expect(told.said).toEqual([expect.stringContaining('durable stays durable')]);
  });

  it('TK5 W1 finds a term that does not grow', () => {
    expect(new Told().claims(2).asks('late').claims(2, 'late').said).toEqual([expect.stringContaining('terms grow')]);
  });

  it('TK5 forgives an answer that is heard late, when others have claimed and written', () => {
    const told = new Told().asks('late').claims(2).restores(2).sends(2, 1, record('a', '1')).hears(2, 1);
    expect(told.claims(1, 'late').restores(1).said).toEqual([]);
  });
});
