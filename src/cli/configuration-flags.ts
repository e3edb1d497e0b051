/** The configuration as the flags of a command line and the environment have it. */
import { WeirError } from '../errors/index.ts';
import type { Configuration } from '../worker/index.ts';

export interface ConfigurationFlags {
  readonly config?: string;
  readonly data?: string;
  readonly port?: string;
  readonly host?: string;
  readonly roles?: string;
}

/** @throws WeirError `WEIR_CLI_USAGE`, `WEIR_CONFIGURATION_UNREADABLE`, `WEIR_CONFIGURATION_INVALID` */
export async function readConfiguration({
  config,
  data,
  port,
  host,
  roles,
}: ConfigurationFlags): Promise<Configuration> {
  const { loadConfiguration } = await import('../worker/index.ts');
  return loadConfiguration({
    file: config,
    environment: process.env,
    flags: { data, port: port === undefined ? undefined : portOf(port), host, roles: roles?.split(',') },
    directory: process.cwd(),
  });
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new WeirError('WEIR_CLI_USAGE', { why: `"${text}" is not a port`, help: 'weir up --help' });
}
