/**
 * The number of a new incarnation of a log: the second at which it begins, since 1970, and above any that is known.
 *
 * Terms begin with it, so they grow even when nobody knows what came before: of two restores of one backup, the second
 * one has the greater terms, although both begin at the same place.
 */
export function nextIncarnation(nowMs: number, ...known: readonly number[]): number {
  return Math.max(Math.floor(nowMs / 1_000), ...known.map((incarnation) => incarnation + 1));
}
