/** Seeds as people see them: `small@1:48213` is seed 48213 of version 1 of the scenario `small`. */
import { WeirError } from '../../errors/index.ts';
import type { Random } from '../../ports/index.ts';

const largest = 2 ** 31;

export function seedText(scenario: { readonly name: string; readonly version: number }, seed: number): string {
  return `${scenario.name}@${scenario.version}:${seed}`;
}

/**
 * The number of a seed, given alone or as it was printed.
 * @throws WeirError `WEIR_SIMULATION_SEED` when it is none, or one of another scenario or version
 */
export function parseSeed(text: string, scenario: { readonly name: string; readonly version: number }): number {
  const refuse = (why: string): WeirError => new WeirError('WEIR_SIMULATION_SEED', { seed: text, why });
  const match = /^(?:([\w-]+)@(\d+):)?(\d{1,10})$/.exec(text.trim());
  if (match === null) throw refuse(`it should look like ${seedText(scenario, 48_213)}, or be a number`);
  const [, name, version, digits] = match;
  if (name !== undefined && name !== scenario.name) throw refuse(`it is of the scenario ${name}, not ${scenario.name}`);
  if (version !== undefined && Number(version) !== scenario.version) {
    throw refuse(`it is of version ${version}, and ${scenario.name} is at version ${scenario.version}`);
  }
  const seed = Number(digits);
  if (seed >= largest) throw refuse(`numbers go up to ${largest - 1}`);
  return seed;
}

/** A seed that nobody has chosen. */
export function freshSeed(random: Random): number {
  return Math.floor(random.next() * largest);
}
