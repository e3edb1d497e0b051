/** Kinds of records in the state of a flow shard, by what their keys begin with: docs/decisions/records.md has the table. */
const kinds = ['c', 'j', 'i', 'g', 'o', 'a', 'q', 'n'] as const;

/** One more kind is one more case for whoever restores a shard, and for whoever moves its records to other ones. */
export type StateKind = (typeof kinds)[number];

/** Undefined for a kind that this version does not know. */
export function stateKindOf(key: string): StateKind | undefined {
  const [kind] = key.split('/', 1);
  return kinds.find((known) => known === kind);
}
