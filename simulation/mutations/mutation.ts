/**
 * A mutation: a deliberate bug, put into the product's source from outside while it is loaded. The product carries no
 * switches for it; when its source moves on, the check says which mutation no longer fits.
 */
export interface Mutation {
  readonly id: string;
  /** What is wrong with it in, a sentence. */
  readonly sentence: string;
  /** Path from the project's root, of edits that name no other. */
  readonly file: string;
  readonly edits: readonly Edit[];
  /** Scenarios that meet what it breaks, the likeliest first. */
  readonly scenarios: readonly string[];
}

/** `find` occurs exactly once in the file. */
export interface Edit {
  readonly file?: string;
  readonly find: string;
  readonly replace: string;
}

/** The files that a mutation changes. */
export function filesOf({ file, edits }: Mutation): readonly string[] {
  return [...new Set(edits.map((edit) => edit.file ?? file))];
}

/** The source of one of its files with the bug in it. @throws Error when the mutation no longer fits the source */
export function mutate({ id, file: usual, edits }: Mutation, file: string, source: string): string {
  let mutated = source;
  for (const { file: own = usual, find, replace } of edits) {
    if (own !== file) continue;
    const places = mutated.split(find).length - 1;
    if (places !== 1) throw new Error(`mutation ${id} has rotted: its text occurs ${places} times in ${file}`);
    mutated = mutated.replace(find, () => replace);
  }
  return mutated;
}
