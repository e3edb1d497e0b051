/** "Did you mean": the known word that is nearest to a mistyped one. */

/** Names that one message lists. */
const maxNames = 10;

/** ` (did you mean "members"?)`, or nothing when no known word is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? '' : ` (did you mean "${near}"?)`;
}

/** `; did you mean greet? it has: greet, buy`, for the end of a message about a name that is not there. */
export function namesHint(word: string, known: readonly string[], head = 'it has'): string {
  if (known.length === 0) return `; ${head} none`;
  const near = nearest(word, known);
  const more = known.length > maxNames ? ` and ${known.length - maxNames} more` : '';
  return `;${near === undefined ? '' : ` did you mean ${near}?`} ${head}: ${known.slice(0, maxNames).join(', ')}${more}`;
}

function nearest(word: string, known: readonly string[]): string | undefined {
  return known
    .map((candidate) => ({ candidate, distance: distanceOf(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.distance - b.distance)[0]?.candidate;
}

/** Levenshtein: insertions, removals and replacements from one word to the other. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
