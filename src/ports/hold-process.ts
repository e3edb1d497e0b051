/**
 * Keeps the process alive while a node runs: all timers of the clock let it end, so that a node that was stopped never
 * holds its program back.
 * @returns how to let the process end again
 */
export function holdProcess(): () => void {
  const handle = setInterval(() => undefined, 2 ** 31 - 1);
  return () => clearInterval(handle);
}
