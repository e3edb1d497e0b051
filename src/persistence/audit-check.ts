/** Checks a chain of the audit, entry by entry: what was changed, taken out or put in between shows at that place. */
import { type AuditRecord, type AuditValue, auditHash, type ChainPoint, entryHash } from './audit.ts';

export class ChainCheck {
  readonly #chain: number;
  #last: ChainPoint;

  /** @param anchor the point that the first entry must follow */
  constructor(chain: number, anchor: ChainPoint) {
    this.#chain = chain;
    this.#last = anchor;
  }

  /** The last entry that fitted, or the anchor. */
  get last(): ChainPoint {
    return this.#last;
  }

  /** What is wrong with the next entry, in words; undefined when it fits. */
  next(entry: AuditRecord): string | undefined {
    const { number, previous, hash } = entry;
    const wanted = this.#last.number + 1;
    if (number > wanted) {
      return number === wanted + 1 ? `entry ${wanted} is missing` : `entries ${wanted} to ${number - 1} are missing`;
    }
    if (number < wanted) return `it stands behind entry ${wanted - 1}`;
    if (!same(previous, this.#last.hash)) return `it does not follow the entry before it: another one stood there`;
    if (!same(hash, entryHash(this.#chain, entry))) return 'its hash is not that of what it says';
    for (const [name, value] of [['before', entry.before] as const, ['after', entry.after] as const]) {
      if (value !== null && !isWhole(value)) return `the value "${name}" is not the one that its hash names`;
    }
    this.#last = entry;
    return undefined;
  }
}

/** A value that was not kept has nothing to compare. */
function isWhole({ hash, size, value }: AuditValue): boolean {
  return value.length === 0 || (value.length === size && same(hash, auditHash(value)));
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
