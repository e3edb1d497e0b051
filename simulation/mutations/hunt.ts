/** Runs scenarios in turn until one breaks something or time is up; prints what was found as JSON. */
import { simulate } from 'weir/testing';
import { scenarios } from '../scenarios/index.ts';

const [names = '', seconds = '40', first = '1'] = process.argv.slice(2);
const wanted = names.split(',').flatMap((name) => scenarios.find((scenario) => scenario.name === name) ?? []);
const start = performance.now();
const end = start + Number(seconds) * 1_000;
let seeds = 0;
let found: object | null = null;
for (let seed = Number(first); found === null && wanted.length > 0 && performance.now() < end; seed++) {
  for (const scenario of wanted) {
    const { failure } = await simulate(scenario, { seed, seeds: 1, shrink: false });
    seeds += 1;
    if (failure === undefined) continue;
    const { invariant, text } = failure.violation;
    found = { seeds, seconds: (performance.now() - start) / 1_000, scenario: scenario.name, invariant, text };
    break;
  }
}
process.stdout.write(`${JSON.stringify(found)}\n`);
