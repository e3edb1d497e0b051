/** Where settings come from: flags over environment over file; what nobody says has its default. */
import { didYouMean, WeirError } from '../../errors/index.ts';

/** What a command's flags may say of the configuration. */
export interface ConfigurationFlags {
  readonly data?: string | undefined;
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly roles?: readonly string[] | undefined;
  readonly monitoringPort?: number | undefined;
}

type Tree = Record<string, unknown>;
type Reader = (text: string) => unknown;

interface Variable {
  readonly path: readonly string[];
  readonly read: Reader;
}

const text: Reader = (value) => value;
/** What is no number is left as it is, so that the schema says what is wrong with it. */
const number: Reader = (value) => (/^\d+$/.test(value) ? Number(value) : value);
const list: Reader = (value) => value.split(',').map((item) => item.trim());
const flag: Reader = (value) => (value === 'true' ? true : value === 'false' ? false : value);

const variables: ReadonlyMap<string, Variable> = new Map([
  ['WEIR_PROFILE', { path: ['profile'], read: text }],
  ['WEIR_DATA', { path: ['data'], read: text }],
  ['WEIR_ROLES', { path: ['roles'], read: list }],
  ['WEIR_SHARDS', { path: ['shards'], read: number }],
  ['WEIR_RETENTION', { path: ['retention'], read: text }],
  ['WEIR_HOSPITAL', { path: ['hospital'], read: text }],
  ['WEIR_STEP_TIMEOUT', { path: ['stepTimeout'], read: text }],
  ['WEIR_REDELIVER', { path: ['redeliver'], read: text }],
  ['WEIR_IDLE', { path: ['idle'], read: text }],
  ['WEIR_AUDIT', { path: ['audit'], read: text }],
  ['WEIR_DEATHS_ALONE', { path: ['deathsAlone'], read: number }],
  ['WEIR_HTTP_HOST', { path: ['http', 'host'], read: text }],
  ['WEIR_HTTP_PORT', { path: ['http', 'port'], read: number }],
  ['WEIR_MONITORING_PORT', { path: ['monitoring', 'port'], read: number }],
  ['WEIR_LOG_LEVEL', { path: ['log', 'level'], read: text }],
  ['WEIR_LOG_PRETTY', { path: ['log', 'pretty'], read: flag }],
  ['WEIR_LOG_DRIVER', { path: ['log', 'driver'], read: text }],
  ['WEIR_LOG_BROKERS', { path: ['log', 'brokers'], read: list }],
  ['WEIR_LOG_PREFIX', { path: ['log', 'prefix'], read: text }],
  ['WEIR_LOG_SASL_USERNAME', { path: ['log', 'sasl', 'username'], read: text }],
  ['WEIR_LOG_SASL_PASSWORD', { path: ['log', 'sasl', 'password'], read: text }],
  ['WEIR_CHAOS_ALLOW', { path: ['chaos', 'allow'], read: flag }],
  ['WEIR_WATCHDOG_LOOP', { path: ['watchdog', 'loop'], read: text }],
  ['WEIR_WATCHDOG_CODE', { path: ['watchdog', 'code'], read: text }],
  ['WEIR_WATCHDOG_CONTAIN', { path: ['watchdog', 'contain'], read: text }],
]);

/** Variables of the command line that are no settings of a node. */
const otherVariables: readonly string[] = ['WEIR_CONFIG', 'WEIR_URL'];

export interface Overlaid {
  readonly tree: unknown;
  /** Which variable or flag a setting came from, by its path; what came from the file is not in it. */
  readonly sources: ReadonlyMap<string, string>;
}

/** @throws WeirError `WEIR_CONFIGURATION_INVALID` for an environment variable that nobody reads */
export function overlay(
  file: unknown,
  environment: Readonly<Record<string, string | undefined>>,
  flags: ConfigurationFlags,
): Overlaid {
  const sources = new Map<string, string>();
  const root = isTree(file) ? structuredClone(file) : file;
  const set = (path: readonly string[], value: unknown, source: string): void => {
    if (!isTree(root)) return;
    sources.set(path.join('.'), source);
    put(root, path, value);
  };
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('WEIR_') || value === undefined || otherVariables.includes(name)) continue;
    const variable = variables.get(name);
    if (variable === undefined) {
      const why = `nothing reads this environment variable${didYouMean(name, [...variables.keys(), ...otherVariables])}`;
      throw new WeirError('WEIR_CONFIGURATION_INVALID', { path: name, why });
    }
    set(variable.path, variable.read(value), name);
  }
  if (flags.data !== undefined) set(['data'], flags.data, '--data');
  if (flags.port !== undefined) set(['http', 'port'], flags.port, '--port');
  if (flags.host !== undefined) set(['http', 'host'], flags.host, '--host');
  if (flags.monitoringPort !== undefined) set(['monitoring', 'port'], flags.monitoringPort, '--monitoring-port');
  if (flags.roles !== undefined) set(['roles'], flags.roles, '--roles');
  return { tree: root, sources };
}

function put(tree: Tree, [first = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    tree[first] = value;
    return;
  }
  const below = tree[first] ?? {};
  // A mistake of the file stays, for the schema to name it.
  if (!isTree(below)) return;
  tree[first] = below;
  put(below, rest, value);
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
