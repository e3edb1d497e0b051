/** What is said of a run that was not as its script: what the flow did beside what was expected, and how it stands. */
import { brief, lineDifference } from '../expectation.ts';
import type { SeenOp } from './history.ts';
import type { Run } from './run.ts';

const marks = { expected: '= ', unexpected: '+ ', free: '  ' } as const;
const logLines = 10;

/** A run that is not as the script says: `why`, then everything that it did. */
export async function reportOf(flow: string, run: Run, why: string): Promise<string> {
  const missing = run.missing.map(({ text }) => `-   ${text}`);
  const mark = ({ verdict }: SeenOp): string => marks[verdict];
  return [
    `flow "${flow}": ${why}`,
    '',
    `what it did (= expected, + not expected)${missing.length === 0 ? '' : ', and - what is missing'}:`,
    ...run.history.lines(mark),
    ...missing,
    '',
    ...(await standing(run)),
    ...logOf(run),
  ].join('\n');
}

/** How the flow stands, in the words that a run ends with. */
export async function standing(run: Run): Promise<string[]> {
  const { view, waits } = await run.view();
  const { status, stage, error, result } = view;
  if (status === 'COMPLETED') return [`it has COMPLETED with ${brief(result)}`];
  if (status === 'RUNNING') return [`it is RUNNING in stage ${stage}${waits === '' ? '' : `, and waits on ${waits}`}`];
  const { code = '', message = '', remedy, at, details } = error ?? {};
  return [
    `it is ${status}: ${code}: ${message}`,
    ...(details === undefined ? [] : [`  details: ${brief(details)}`]),
    ...(at === undefined || at === '' ? [] : [`  at: ${at}`]),
    ...(remedy === undefined || remedy === '' ? [] : [`  remedy: ${remedy}`]),
  ];
}

/** Two runs of one script that differ. */
export function restartReport(
  flow: string,
  suspension: string | undefined,
  straight: string[],
  restarted: string[],
): string {
  return [
    `flow "${flow}" does something else when its worker is restarted${suspension === undefined ? '' : ` at "${suspension}"`}`,
    '',
    '- without a restart  + with a restart',
    ...lineDifference(straight, restarted),
    '',
    'A restart runs the stage again from its beginning: what differs did not come from the context (now(), random(),',
    'uuid(), step()). See "Determinism" in docs/guide/flows.md.',
  ].join('\n');
}

function logOf(run: Run): string[] {
  const lines = run.log.trimEnd().split('\n').slice(-logLines);
  return lines.length === 0 || lines[0] === '' ? [] : ['', 'its log:', ...lines];
}
