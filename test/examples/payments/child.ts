/** The payments example as a real process, followed by the events that it prints (`--json`). */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** One line of `--json`; the fields of each type are in examples/payments/events.ts. */
export interface PaymentsEvent {
  readonly type: string;
  readonly id?: string;
  readonly created?: boolean;
  readonly outcome?: { readonly type: string; readonly code?: string };
  readonly code?: string;
  readonly message?: string;
  readonly remedy?: string;
  readonly url?: string;
  readonly note?: string;
  readonly balanced?: boolean;
  readonly [field: string]: unknown;
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly events: readonly PaymentsEvent[];
  readonly stderr: string;
}

const command = new URL('../../../examples/payments/main.ts', import.meta.url).pathname;

/** Runs it to its end; `onEvent` sees each line as it comes, and may kill the process. */
export async function runPayments(
  args: readonly string[],
  onEvent: (event: PaymentsEvent, child: ChildProcess) => void = () => undefined,
): Promise<Finished> {
  const child = spawn(process.execPath, [command, '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const events: PaymentsEvent[] = [];
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    // The last line of a killed process may be half a line.
    const event = parsed(line);
    if (event === undefined) return;
    events.push(event);
    onEvent(event, child);
  });
  const [[code, signal]] = await Promise.all([once(child, 'close'), once(lines, 'close')]);
  return { code, signal, events, stderr };
}

/** Of events of one type, the last. */
export function lastOf({ events }: Pick<Finished, 'events'>, type: string): PaymentsEvent | undefined {
  return events.findLast((event) => event.type === type);
}

function parsed(line: string): PaymentsEvent | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
