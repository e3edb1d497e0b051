/** What the scripts of this folder share: rounds, and the figures that each prints as its last line. */

export interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

const rounds = 3;

/** The best of some rounds: the first ones pay for compilation. */
export async function best(round: () => Promise<number>): Promise<number> {
  let result = 0;
  for (let n = 0; n < rounds; n += 1) result = Math.max(result, await round());
  return Math.round(result);
}

export function perSecond(count: number, start: number): number {
  return count / ((performance.now() - start) / 1_000);
}

/** Microseconds each took. */
export function microsecondsEach(count: number, start: number): number {
  return Math.round(((performance.now() - start) / count) * 10_000) / 10;
}

export function print(measurements: readonly Measurement[]): void {
  process.stdout.write(`${JSON.stringify(measurements)}\n`);
}
