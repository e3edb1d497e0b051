/** What a watched run has asked for, in order, and on which line of its developer's code: for whoever compares two runs. */
import type { Op } from './operation.ts';
import { frameOf, opText } from './place.ts';

interface AskedOp {
  readonly op: Op;
  /** Made where the operation was, for its stack. */
  readonly site: Error | undefined;
}

export class Asked {
  readonly #ops: AskedOp[] = [];

  add(index: number, op: Op, site: Error | undefined): void {
    this.#ops[index] = { op, site };
  }

  at(index: number): Op | undefined {
    return this.#ops[index]?.op;
  }

  /** `step "book", at /app/flows/buy.ts:31:17` */
  text(index: number): string {
    const asked = this.#ops[index];
    if (asked === undefined) return 'nothing';
    const line = asked.site === undefined ? undefined : frameOf(asked.site);
    return `${opText(asked.op)}${line === undefined ? '' : `, at ${line}`}`;
  }
}
