/**
 * Reads the fields of one element and keeps what is found wrong with them. Owns the rule that the first finding that
 * refuses decides, and the paths by which findings are named.
 */
import { childrenOf, type XmlElement } from './element.ts';
import type { ReasonCode, Refusal, Warning } from './types.ts';

/** An element with its path by local names; the element is missing if nothing is there. */
export interface Place {
  readonly element: XmlElement | undefined;
  readonly path: string;
}

export class Findings {
  readonly warnings: Warning[] = [];
  #refusal: Refusal | undefined;

  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  refuse(code: ReasonCode, path: string, reason: string): void {
    this.#refusal ??= { code, path, reason };
  }

  warn(path: string, text: string): void {
    this.warnings.push({ path, text });
  }

  /** The child of this name. Two of them are refused: which one would be booked? */
  child(place: Place, name: string): Place {
    const path = `${place.path}/${name}`;
    const found = childrenOf(place.element, name);
    if (found.length > 1) this.refuse('FF01', path, `${name} is there ${found.length} times`);
    return { element: found[0], path };
  }

  /** Like `child`, step by step. */
  at(place: Place, ...names: readonly string[]): Place {
    let found = place;
    for (const name of names) found = this.child(found, name);
    return found;
  }

  /** The text at a path; refused if longer than ISO 20022 allows, as it would name something else if it were cut. */
  text(place: Place, maxLength: number, ...names: readonly string[]): string | undefined {
    const { element, path } = this.at(place, ...names);
    if (element === undefined || element.text.length === 0) return undefined;
    if (lengthOf(element.text) > maxLength) {
      this.refuse('FF01', path, `the text is longer than ${maxLength} characters`);
      return undefined;
    }
    return element.text;
  }
}

/** In characters, as XML Schema counts, not in UTF-16 units. */
export function lengthOf(text: string): number {
  return [...text].length;
}
