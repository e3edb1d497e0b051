/** `weir up --workers N`: a parent process that runs N workers and tells of each in one line. */
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { WeirError } from '../errors/index.ts';
import { pinoLogger, systemClock, systemRandom } from '../ports/index.ts';
import type { Configuration, ParentEvent } from '../worker/index.ts';
import type { ConfigurationFlags } from './configuration-flags.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { failureText } from './failure.ts';
import { printLine } from './output.ts';
import { onSignals } from './signals.ts';

const script = fileURLToPath(new URL('./main.ts', import.meta.url));
const mostWorkers = 256;

export async function runWorkers(
  count: number,
  { flags, configuration }: { readonly flags: ConfigurationFlags; readonly configuration: Configuration },
  { terminal, json, done }: CommandContext,
): Promise<void> {
  const { clusterTopics, forkWorker, deathReporter, openKafkaUndertaker, workersParent } = await import(
    '../worker/index.ts'
  );
  const { kafka, data, http, monitoring, log } = configuration;
  if (kafka === undefined) throw new WeirError('WEIR_WORKERS_NEED_KAFKA', { data });
  const clock = systemClock();
  const undertaker = await openKafkaUndertaker({ ...kafka, worker: `${hostname()}-parent-${process.pid}`, clock });
  const parent = workersParent({
    ...{ clock, random: systemRandom() },
    logger: pinoLogger({ level: log.level, pretty: log.pretty ?? process.stderr.isTTY }),
    workers: Array.from({ length: count }, (_, index) => `${hostname()}-${index + 1}`),
    launch: (name, index) => forkWorker([script, ...argumentsOf(name, index, flags, [http.port, monitoring?.port])]),
    leave: (group, memberId) => undertaker.leave(group, memberId),
    forget: (worker) => undertaker.remove(clusterTopics.heartbeats, worker),
    report: deathReporter({ data, clock, append: (topic, records) => undertaker.append(topic, records) }),
    onEvent: (event) => (json() ? printLine(terminal, event) : terminal.out(`${lineOf(event)}\n`)),
  });
  if (!json())
    terminal.out(`Starting ${count === 1 ? '1 worker' : `${count} workers`} on ${kafka.brokers.join(', ')}\n`);
  onSignals(parent.stop, parent.stop);
  const cause = await parent.ended;
  await undertaker.close();
  if (cause !== undefined) {
    terminal.error(failureText(cause, json()));
    done(exitCodes.failed);
  } else if (!json()) terminal.out('Stopped. What is unfinished goes on at the next start.\n');
}

/** @throws WeirError `WEIR_CLI_USAGE` */
export function workersOf(text: string): number {
  const count = Number(text);
  if (/^\d{1,3}$/.test(text) && count >= 1 && count <= mostWorkers) return count;
  const why = `"${text}" is not a number of workers from 1 to ${mostWorkers}`;
  throw new WeirError('WEIR_CLI_USAGE', { why, help: 'weir up --help' });
}

/** Each worker has ports of its own: the next ones after those of the first, or any that are free. */
function argumentsOf(
  name: string,
  index: number,
  flags: ConfigurationFlags,
  [port = 0, monitoring]: readonly [number, number | undefined],
): string[] {
  const nth = (first: number): string => String(first === 0 ? 0 : first + index);
  const { monitoringPort: _first, ...others } = flags;
  const given = { ...others, name, port: nth(port) };
  const monitored = monitoring === undefined ? [] : ['--monitoring-port', nth(monitoring)];
  return ['worker', ...Object.entries(given).flatMap(([flag, value]) => [`--${flag}`, value]), ...monitored];
}

function lineOf(event: ParentEvent): string {
  switch (event.type) {
    case 'up':
      return `Worker ${event.worker} is up ${event.url === undefined ? 'without HTTP' : `at ${event.url}`}, process ${event.pid}`;
    case 'stopped':
      return `Worker ${event.worker} has stopped (${event.how})`;
    case 'ended': {
      const { worker, how, againInMs } = event;
      const then = againInMs === undefined ? 'it is given up' : `it starts again in ${againInMs} ms`;
      return `Worker ${worker} has ended (${how}): ${then}`;
    }
  }
}
