/**
 * Runs simulations from the command line: fresh seeds for a time, one seed again, or a plan that was kept.
 *
 * Usage: npm run simulate -- --help
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Command } from 'commander';
import { WeirError } from 'weir';
import {
  applyCut,
  drawPlan,
  freshSeed,
  type Plan,
  parseSeed,
  replay,
  type Scenario,
  type SimulationFailure,
  type SimulationReport,
  simulate,
} from 'weir/testing';
import { positiveNumber, wholeNumber } from '../scripts/option-values.ts';
import { systemRandom } from '../src/ports/index.ts';
import { failureText, reportText } from './report.ts';
import { scenarios } from './scenarios/index.ts';

// A world lives as long as its seed. What V8 has seen to outlive one it would put where only a full collection looks, and
// with it would stay all that it leads to, copied at each of the small collections.
setFlagsFromString('--no-allocation-site-pretenuring');

interface Flags {
  readonly scenario: string;
  readonly seeds: number;
  readonly minutes?: number;
  readonly seed?: string;
  readonly actions?: readonly number[];
  readonly faults?: readonly number[];
  readonly pace: number;
  readonly under?: number;
  readonly plan?: string;
  readonly keep?: string;
  readonly trace?: boolean;
  readonly shrink: boolean;
  readonly json?: boolean;
}

const program = new Command('simulate')
  .description('Runs whole clusters in one process, from seeds, and checks what must always hold.')
  .option('--scenario <name>', `one of ${scenarios.map(({ name }) => name).join(', ')}, or all`, 'all')
  .option('--seeds <n>', 'seeds of each scenario', wholeNumber, 100)
  .option('--minutes <n>', 'stop after so many minutes, for all scenarios together', positiveNumber)
  .option('--seed <seed>', 'run this seed only, as it was printed or as a number; with --seeds, the first one')
  .option('--actions <places>', 'with --seed: only these actions of its plan ("none" for none)', places)
  .option('--faults <places>', 'with --seed: only these faults of its plan ("none" for none)', places)
  .option('--pace <factor>', 'with --seed: times of the plan multiplied by this', positiveNumber, 1)
  .option('--under <n>', 'with --seed: run its plan under this seed', wholeNumber)
  .option('--plan <file>', 'run a plan that was kept: a file of { scenario, seed, plan }')
  .option('--keep <file>', 'write the shrunk plan of a failure to this file')
  .option('--trace', 'print the whole trace, also when nothing breaks')
  .option('--no-shrink', 'print a failure as it was found')
  .option('--json', 'print one object');

async function main(flags: Flags, seedsGiven: boolean): Promise<number> {
  if (flags.plan !== undefined) return again(...readPlan(flags.plan), flags);
  if (flags.seed !== undefined && !seedsGiven && flags.minutes === undefined) {
    const scenario = scenarioOfSeed(flags);
    const seed = parseSeed(flags.seed, scenario);
    const plan = drawPlan(scenario, seed);
    const { actions, faults, pace } = flags;
    const cut = { actions: actions ?? [...plan.actions.keys()], faults: faults ?? [...plan.faults.keys()], pace };
    return again(scenario, flags.under ?? seed, applyCut(plan, cut), flags);
  }
  return many(flags);
}

/** Seeds in a row, of one scenario or of all. */
async function many(flags: Flags): Promise<number> {
  const chosen = flags.scenario === 'all' ? scenarios : [scenarioNamed(flags.scenario)];
  const share = flags.minutes === undefined ? undefined : (flags.minutes * 60_000) / chosen.length;
  const reports: Array<SimulationReport & { readonly firstSeed: number; readonly seconds: number }> = [];
  for (const scenario of chosen) {
    const firstSeed = flags.seed === undefined ? freshSeed(systemRandom()) : parseSeed(flags.seed, scenario);
    const start = performance.now();
    let shown = start;
    const report = await simulate(scenario, {
      seed: firstSeed,
      seeds: share === undefined ? flags.seeds : Number.POSITIVE_INFINITY,
      shrink: flags.shrink,
      enough: (done) => {
        const now = performance.now();
        if (flags.json !== true && process.stderr.isTTY && now - shown > 500) {
          shown = now;
          const rate = (done / (now - start)) * 1_000;
          process.stderr.write(`\r${scenario.name}: ${done} seeds, ${rate.toFixed(1)} seeds/s `);
        }
        return share !== undefined && now - start > share;
      },
    });
    if (flags.json !== true && process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    reports.push({ ...report, firstSeed, seconds: (performance.now() - start) / 1_000 });
    if (flags.json !== true) process.stdout.write(reportText(scenario, reports.at(-1) ?? raise(scenario.name)));
    if (report.failure === undefined) continue;
    tell(report.failure, flags);
    break;
  }
  if (flags.json === true) process.stdout.write(`${JSON.stringify(reports.map(plain), null, 2)}\n`);
  return reports.some(({ failure }) => failure !== undefined) ? 1 : 0;
}

/** One plan again, with its trace. */
async function again(scenario: Scenario<unknown>, seed: number, plan: Plan<unknown>, flags: Flags): Promise<number> {
  const { result, failure } = await replay(scenario, plan, seed, {
    shrink: flags.shrink && flags.actions === undefined && flags.faults === undefined && flags.plan === undefined,
  });
  if (flags.json === true) {
    const { violation, events, virtualMs } = failure === undefined ? result : { ...result, ...failure };
    process.stdout.write(`${JSON.stringify({ hash: result.trace.hash(), events, virtualMs, violation }, null, 2)}\n`);
  } else if (failure === undefined) {
    if (flags.trace === true) process.stdout.write(`${result.lines().join('\n')}\n`);
    process.stdout.write(`Nothing broke: ${result.events} events, trace ${result.trace.hash()}.\n`);
  } else {
    tell(failure, flags);
  }
  return failure === undefined ? 0 : 1;
}

function tell(failure: SimulationFailure, { keep, trace, json }: Flags): void {
  if (keep !== undefined) {
    const { scenario, cut, plan, violation } = failure;
    const kept = { scenario, seed: cut.under, sentence: `${violation.invariant}: ${violation.text}`, plan };
    writeFileSync(keep, `${JSON.stringify(kept, null, 2)}\n`);
  }
  if (json !== true) process.stdout.write(failureText(failure, { whole: trace === true, kept: keep }));
}

function scenarioOfSeed({ seed = '', scenario }: Flags): Scenario<unknown> {
  const named = /^([\w-]+)@/.exec(seed)?.[1];
  if (named === undefined && scenario === 'all') {
    throw new WeirError('WEIR_SIMULATION_SEED', { seed, why: 'a number alone needs --scenario' });
  }
  return scenarioNamed(named ?? scenario);
}

function scenarioNamed(name: string): Scenario<unknown> {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const why = `there is none of this name; there are ${scenarios.map((scenario) => scenario.name).join(', ')}`;
  throw new WeirError('WEIR_SIMULATION_SCENARIO', { scenario: name, why });
}

function readPlan(file: string): [Scenario<unknown>, number, Plan<unknown>] {
  const { scenario, seed, plan } = JSON.parse(readFileSync(file, 'utf8'));
  return [scenarioNamed(scenario), seed, plan];
}

function plain({ coverage, ...report }: SimulationReport): object {
  return { ...report, faults: Object.fromEntries(coverage.faults), states: Object.fromEntries(coverage.states) };
}

function places(text: string): readonly number[] {
  if (text === 'none') return [];
  return text.split(',').map(wholeNumber);
}

function raise(name: string): never {
  throw new Error(`no report of ${name}`);
}

try {
  program.parse();
  process.exitCode = await main(program.opts(), program.getOptionValueSource('seeds') === 'cli');
} catch (error) {
  if (!WeirError.is(error)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n  ${error.remedy}\n`);
  process.exitCode = 2;
}
