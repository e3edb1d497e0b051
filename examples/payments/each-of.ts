/** Bounded concurrency with a slow start, in the order in which the items stand. */

/** What starts together ends together: from few at once the first answers come soon, and the rest loses nothing. */
const atOnceFirst = 8;

/** Acts on each item, `atOnce` of them at a time; on no further ones once `signal` is aborted. */
export async function eachOf<T>(
  items: Iterable<T>,
  atOnce: number,
  act: (item: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  const workers: Array<Promise<void>> = [];
  const hire = (): void => {
    if (workers.length < atOnce) workers.push(work());
  };
  const work = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true && signal?.aborted !== true; next = rest.next()) {
      await act(next.value);
      hire();
    }
  };
  while (workers.length < Math.min(atOnceFirst, atOnce)) hire();
  // Each worker may hire another one until it ends, so those that are there are waited for one after another.
  for (let index = 0; index < workers.length; index++) await workers[index];
}
