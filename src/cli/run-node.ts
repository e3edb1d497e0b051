/** Runs the node of a configuration in the foreground, until a signal, a failure or the end of its parent process. */
import { pinoLogger, systemClock } from '../ports/index.ts';
import type { Configuration, StartNodeSettings, WorkerReport } from '../worker/index.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { failureText } from './failure.ts';
import { exitCodeOfSignal, onSignals } from './signals.ts';

export type LoadedMembers = Extract<StartNodeSettings['members'], readonly unknown[]>;

export interface RunNode {
  readonly configuration: Configuration;
  /** The settings of the command, over the configuration. */
  readonly settings?: Partial<StartNodeSettings>;
  readonly members: LoadedMembers;
  /** Why it is started, for the audit. */
  readonly reason: string | undefined;
  /** It is ready; without a URL its roles have no HTTP. */
  readonly onUp: (url: string | undefined) => void;
}

export async function runNode(
  { configuration, settings = {}, members, reason, onUp }: RunNode,
  { terminal, json, done }: CommandContext,
): Promise<void> {
  const { reportFailure, reportFatalErrors, starter, startNode } = await import('../worker/index.ts');
  const { log, monitoring, redeliver, idle, audit, watchdog, kafka, shards } = configuration;
  const logger = pinoLogger({ level: log.level, pretty: log.pretty ?? process.stderr.isTTY });
  const asked = endAsked(terminal.error);
  reportFatalErrors(configuration.data);
  process.once('uncaughtException', (error) => {
    // Nobody knows what state it left behind; the next start has the one that was committed.
    logger.error({ error }, 'the process has failed');
    reportFailure(configuration.data, error, systemClock().now());
    terminal.error(failureText(error, json()));
    process.exit(exitCodes.failed);
  });
  const startUp = new AbortController();
  void asked.then(() => startUp.abort());
  const starting = startNode({
    members,
    data: configuration.data,
    roles: configuration.roles,
    ...(kafka === undefined ? {} : { kafka }),
    ...(shards === undefined ? {} : { shards }),
    retention: configuration.retention,
    hospital: configuration.hospital,
    stepTimeout: configuration.stepTimeout,
    deathsAlone: configuration.deathsAlone,
    ...(redeliver === undefined ? {} : { redeliver }),
    ...(idle === undefined ? {} : { idle }),
    ...(audit === undefined ? {} : { audit }),
    replayCheck: configuration.profile === 'development',
    http: configuration.http,
    ...(monitoring === undefined ? {} : { monitoring }),
    chaos: configuration.chaos,
    containment: watchdog.contain === 'off' ? 'off' : { limit: watchdog.code, of: watchdog.contain },
    ...(watchdog.loop === 'off' ? {} : { endIfBlocked: watchdog.loop }),
    logger,
    ...(reason === undefined ? {} : { startedBy: { ...starter(), reason } }),
    signal: startUp.signal,
    ...settings,
  });
  const node = await starting.catch((error: unknown) => {
    if (!startUp.signal.aborted) throw error;
    return undefined;
  });
  if (node === undefined) {
    if (!json() && process.send === undefined) terminal.out('Stopped before it was up.\n');
    // Connections that a broker does not answer would keep the process.
    process.exit(exitCodes.ok);
  }
  const failed = new Promise<Error>((resolve) => node.onFailure(resolve));
  onUp(node.url);
  const end = await Promise.race([asked, failed]);
  if (end instanceof Error) {
    terminal.error(failureText(end, json()));
    done(exitCodes.failed);
  } else if (!json() && process.send === undefined) {
    terminal.out(`${end}: finishing what runs; again to end at once\n`);
  }
  await node.stop();
  // The channel to a parent would keep the process.
  if (process.connected) process.disconnect();
  if (!json() && process.send === undefined) terminal.out('Stopped. What is unfinished goes on at the next start.\n');
}

/** Tells the parent process, where there is one. */
export function tellParent(report: WorkerReport): void {
  // A parent that has ended meanwhile hears nothing; the worker is told of that by itself.
  if (process.connected) process.send?.(report, undefined, undefined, () => undefined);
}

/** What asks for an orderly end: a signal, or the end of the parent, which would start other workers beside this one. */
function endAsked(error: (text: string) => void): Promise<string> {
  return new Promise((resolve) => {
    onSignals(resolve, (signal) => {
      error('weir: ended at once, before everything was finished; nothing that was accepted is lost\n');
      process.exit(exitCodeOfSignal(signal));
    });
    process.once('disconnect', () => resolve('its parent has ended'));
  });
}
