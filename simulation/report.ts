/** What a person reads of simulations: progress of many seeds, and one failure with the command that shows it again. */
import type { Scenario, SimulationFailure, SimulationReport } from 'weir/testing';

/** Lines of the trace that are shown of a failure; the last ones tell most. */
const shownLines = 60;

export function reportText(
  { name, about }: Scenario<unknown>,
  {
    seeds,
    events,
    virtualMs,
    coverage,
    failure,
    firstSeed,
    seconds,
  }: SimulationReport & { readonly firstSeed: number; readonly seconds: number },
): string {
  const hours = virtualMs / 3_600_000;
  const faults = [...coverage.faults].sort(([, a], [, b]) => b - a).map(([word, times]) => `${word} ${times}`);
  return [
    `${name}: ${about}`,
    `  ${seeds} seeds from ${firstSeed} in ${seconds.toFixed(1)} s, ${(seeds / seconds).toFixed(1)} seeds/s, ` +
      `${events} events, ${hours.toFixed(0)} virtual hours: ${failure === undefined ? 'nothing broke' : 'BROKEN'}`,
    `  faults struck: ${faults.join(', ') || 'none'}`,
    `  states seen: ${coverage.states.size}`,
    '',
  ].join('\n');
}

export function failureText(
  { seed, seedText, violation, cut, plan, trace, hash }: SimulationFailure,
  { whole, kept }: { readonly whole: boolean; readonly kept: string | undefined },
): string {
  const list = (numbers: readonly number[]): string => (numbers.length === 0 ? 'none' : numbers.join(','));
  const pace = cut.pace === 1 ? '' : ` --pace ${cut.pace}`;
  const under = cut.under === seed ? '' : ` --under ${cut.under}`;
  const lines = whole ? trace : trace.slice(-shownLines);
  return [
    '',
    `BROKEN: ${violation.invariant}`,
    `  ${violation.text}`,
    `  at ${(violation.at / 1_000).toFixed(3)} s of virtual time, seed ${seedText}, trace ${hash}`,
    `  left after shrinking: ${plan.actions.length} actions, ${plan.faults.length} faults`,
    '',
    ...(lines.length < trace.length ? [`  ... ${trace.length - lines.length} lines before (--trace shows them)`] : []),
    ...lines.map((line) => `  ${line}`),
    '',
    'Again:',
    `  npm run simulate -- --seed ${seedText} --actions ${list(cut.actions)} --faults ${list(cut.faults)}${pace}${under}`,
    ...(kept === undefined ? [] : [`Kept in ${kept}`]),
    '',
  ].join('\n');
}
