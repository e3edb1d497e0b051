/**
 * A mutation: a deliberate bug, put into the product's source from outside while it is loaded. The product carries no
 * switches for it; when its source moves on, the check says which mutation no longer fits.
 */
export interface Mutation {
  readonly id: string;
  /** What is wrong with it in, a sentence. */
  readonly sentence: string;
  /** Path from the project's root. */
  readonly file: string;
  /** Each `find` occurs exactly once in the file. */
  readonly edits: ReadonlyArray<{ readonly find: string; readonly replace: string }>;
  /** Scenarios that meet what it breaks, the likeliest first. */
  readonly scenarios: readonly string[];
}

/** The source with the bug in it. @throws Error when the mutation no longer fits the source */
export function mutate({ id, file, edits }: Mutation, source: string): string {
  let mutated = source;
  for (const { find, replace } of edits) {
    const places = mutated.split(find).length - 1;
    if (places !== 1) throw new Error(`mutation ${id} has rotted: its text occurs ${places} times in ${file}`);
    mutated = mutated.replace(find, () => replace);
  }
  return mutated;
}
