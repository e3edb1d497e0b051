/** The parts that have a bench of their own, kernel and log, so many times over. */
import { progress } from './child.ts';
import { kernelBench } from './kernel.ts';
import { logBench } from './log.ts';

export interface Micro {
  readonly part: 'kernel' | 'log';
  readonly runs: number;
}

export interface MicroFigure {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
}

export async function measure({ part, runs }: Micro): Promise<MicroFigure[]> {
  const found = new Map<string, { readonly name: string; readonly unit: string; readonly values: number[] }>();
  for (let run = 1; run <= runs; run++) {
    progress(`${part}, run ${run} of ${runs}`);
    for (const { name, unit, value } of part === 'kernel' ? await kernelBench() : await logBench()) {
      const known = found.get(name) ?? { name, unit, values: [] };
      known.values.push(value);
      found.set(name, known);
    }
  }
  return [...found.values()];
}
