/** Bounded concurrency: as many at once as are worth it, in the order in which they stand. */
export async function eachOf<T>(
  items: Iterable<T>,
  atOnce: number,
  act: (item: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = rest.next(); next.done !== true && signal?.aborted !== true; next = rest.next()) {
      await act(next.value);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
