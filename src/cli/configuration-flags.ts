/** The configuration as the flags of a command line and the environment have it. */
import { WeirError } from '../errors/index.ts';
import type { Configuration } from '../worker/index.ts';

export interface ConfigurationFlags {
  readonly config?: string;
  readonly data?: string;
  readonly port?: string;
  readonly host?: string;
  readonly roles?: string;
  readonly monitoringPort?: string;
}

/** @throws WeirError `WEIR_CLI_USAGE`, `WEIR_CONFIGURATION_UNREADABLE`, `WEIR_CONFIGURATION_INVALID` */
export async function readConfiguration({
  config,
  data,
  port,
  host,
  roles,
  monitoringPort,
}: ConfigurationFlags): Promise<Configuration> {
  const { loadConfiguration } = await import('../worker/index.ts');
  return loadConfiguration({
    file: config,
    environment: process.env,
    flags: { data, port: portOf(port), host, roles: roles?.split(','), monitoringPort: portOf(monitoringPort) },
    directory: process.cwd(),
  });
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new WeirError('WEIR_CLI_USAGE', { why: `"${text}" is not a port`, help: 'weir up --help' });
}
