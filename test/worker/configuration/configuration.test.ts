import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Configuration, loadConfiguration, loadMembers } from '../../../src/worker/index.ts';

const fixtures = resolve('test/fixtures/flows.ts');

async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'weir-configuration-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  return directory;
}

interface Sources {
  readonly environment?: Record<string, string>;
  readonly flags?: { data?: string; port?: number };
  readonly cwd?: string;
}

async function load(yaml: string, { environment = {}, flags = {}, cwd }: Sources = {}): Promise<Configuration> {
  const directory = await folder({ 'weir.yaml': yaml });
  return loadConfiguration({ file: join(directory, 'weir.yaml'), environment, flags, directory: cwd ?? directory });
}

const minimal = 'members: { ACME: {} }\n';

describe('configuration', () => {
  it('CF10 gives defaults to whatever nobody says', async () => {
    const configuration = await load(minimal);
    expect(configuration).toMatchObject({
      shards: undefined,
      profile: 'production',
      retention: '1 day',
      http: { host: '127.0.0.1', port: 7447 },
      log: { level: 'info' },
      watchdog: { loop: '30 s', code: '10 s', contain: 'suspects' },
      members: [{ key: 'ACME', name: 'ACME', group: 'default', flows: [], actors: [] }],
    });
    expect(configuration.data).toBe(resolve(configuration.file, '..', '.weir'));
  });

  it('CF10 lays flags over the environment over the file over defaults', async () => {
    const yaml = `${minimal}data: ./file\nhttp: { host: localhost, port: 1 }\nlog: { level: warn }\nshards: 4\n`;
    const environment = { WEIR_DATA: './environment', WEIR_HTTP_PORT: '2', WEIR_LOG_LEVEL: 'error', PATH: '/bin' };
    const configuration = await load(yaml, { environment, flags: { port: 3 }, cwd: '/somewhere' });
    expect(configuration).toMatchObject({
      data: '/somewhere/environment',
      http: { host: 'localhost', port: 3 },
      log: { level: 'error' },
      shards: 4,
      retention: '1 day',
    });
  });

  it('W4 CF1 refuses times that do not fit each other', async () => {
    await expect(load(`${minimal}hospital: 30 days\nidle: 10 days\n`)).rejects.toMatchObject({
      code: 'WEIR_CONFIGURATION_WINDOWS',
      context: { shorter: 'hospital', longer: 'idle' },
    });
    const environment = { WEIR_IDLE: '40 days', WEIR_HOSPITAL: '20 days' };
    expect(await load(minimal, { environment })).toMatchObject({ idle: '40 days', hospital: '20 days' });
  });

  it('CF1 names every mistake with its path, and what was probably meant', async () => {
    const yaml = [
      'shrads: 8',
      'shards: 0',
      'retention: soon',
      'http: { port: 70000, hsot: localhost }',
      'members: { ACME: { flow: [./a.ts], group: 7 } }',
    ].join('\n');
    const message = await load(yaml).then(
      () => '',
      (error: Error) => error.message,
    );
    expect(message).toContain('shrads: there is no such setting (did you mean "shards"?)');
    expect(message).toContain('at shards: ');
    expect(message).toContain('at retention: "soon" is not a duration');
    expect(message).toContain('at http.port: ');
    expect(message).toContain('at http.hsot: there is no such setting (did you mean "host"?)');
    expect(message).toContain('at members.ACME.flow: there is no such setting (did you mean "flows"?)');
    expect(message).toContain('at members.ACME.group: ');
  });

  it('CF1 says where a wrong setting came from when it is not the file', async () => {
    const error = load(minimal, { environment: { WEIR_HTTP_PORT: 'x' } });
    await expect(error).rejects.toMatchObject({
      code: 'WEIR_CONFIGURATION_INVALID',
      message: expect.stringContaining('http.port (from WEIR_HTTP_PORT): '),
    });
  });

  it('CF1 refuses a variable that nothing reads', async () => {
    await expect(load(minimal, { environment: { WEIR_HTTP_PROT: '1' } })).rejects.toThrow(
      'did you mean "WEIR_HTTP_PORT"?',
    );
  });

  it.each([
    ['no file', undefined, 'there is no such file'],
    ['no YAML', 'members: [', 'at line 1'],
    ['a key twice', 'shards: 1\nshards: 2\n', 'Map keys must be unique at line 2'],
  ])('CF1 says what is wrong with %s', async (_what, yaml, why) => {
    const directory = await folder(yaml === undefined ? {} : { 'weir.yaml': yaml });
    await expect(loadConfiguration({ environment: {}, directory })).rejects.toMatchObject({
      code: 'WEIR_CONFIGURATION_UNREADABLE',
      message: expect.stringContaining(why),
    });
  });

  it.each(['', '- a list', 'members: {}'])('CF1 refuses %j, which names no member', async (yaml) => {
    await expect(load(yaml)).rejects.toMatchObject({ code: 'WEIR_CONFIGURATION_INVALID' });
  });

  it('CF10 keeps everything on Kafka when the log says so, with files and passwords from where they are', async () => {
    const yaml = `${minimal}log: { driver: kafka, brokers: ['one:9092'], tls: { ca: ./ca.pem }, sasl: { mechanism: plain } }\n`;
    const environment = { WEIR_LOG_SASL_USERNAME: 'weir', WEIR_LOG_SASL_PASSWORD: 'secret', WEIR_LOG_PREFIX: 'test.' };
    const { kafka, file } = await load(yaml, { environment });
    expect(kafka).toEqual({
      brokers: ['one:9092'],
      prefix: 'test.',
      tls: { ca: resolve(file, '..', 'ca.pem') },
      sasl: { mechanism: 'plain', username: 'weir', password: 'secret' },
    });
    const variables = { WEIR_LOG_DRIVER: 'kafka', WEIR_LOG_BROKERS: 'one:9092, two:9092' };
    expect((await load(minimal, { environment: variables })).kafka).toEqual({ brokers: ['one:9092', 'two:9092'] });
    expect((await load(minimal)).kafka).toBeUndefined();
  });

  it.each([
    ['log: { driver: kafka }', 'log.brokers: name at least one broker'],
    ['log: { driver: kafka, brokers: [one] }', 'log.brokers[0]: a broker is named as host:port'],
    ["log: { brokers: ['one:9092'] }", 'log.brokers: it is a setting of "driver: kafka"'],
    [
      "log: { driver: kafka, brokers: ['one:9092'], sasl: { mechanism: plain, usernam: x } }",
      'did you mean "username"',
    ],
  ])('CF1 says what is wrong with %s', async (log, why) => {
    await expect(load(`${minimal}${log}\n`)).rejects.toMatchObject({ message: expect.stringContaining(why) });
  });

  it('finds the file by WEIR_CONFIG', async () => {
    const directory = await folder({ 'other.yaml': minimal });
    const configuration = await loadConfiguration({ environment: { WEIR_CONFIG: 'other.yaml' }, directory });
    expect(configuration.file).toBe(join(directory, 'other.yaml'));
  });

  it('the sample that ships is right, and its values are the defaults', async () => {
    const { members, ...sample } = await loadConfiguration({
      file: 'weir.sample.yaml',
      environment: {},
      directory: '.',
    });
    const { members: _none, ...defaults } = await load(minimal);
    expect({ ...sample, file: '', data: '' }).toEqual({ ...defaults, file: '', data: '' });
    const loaded = await loadMembers({ ...sample, members });
    expect(loaded.map(({ name, flows }) => [name, flows.map((flow) => flow.name)])).toEqual([
      ['ACME', ['greet', 'buy']],
      ['SELLER', ['sell']],
    ]);
  });
});

describe('modules of a configuration', () => {
  it('takes one export, or every flow of a module; members may share a name in two groups', async () => {
    const yaml = `members: { a: { name: ACME, flows: ['${fixtures}#double'] }, b: { name: ACME, group: test, flows: ['${fixtures}'] } }`;
    const [one, all] = await loadMembers(await load(yaml));
    expect(one).toMatchObject({ name: 'ACME', group: 'default', flows: [{ name: 'double' }] });
    expect(all).toMatchObject({ name: 'ACME', group: 'test' });
    expect(all?.flows.map(({ name }) => name)).toContain('nap');
  });

  it('gives what `modules` names to every member, once', async () => {
    const yaml = `modules: ['${fixtures}']\nmembers: { A: {}, B: { flows: ['${fixtures}#double'] } }`;
    const [a, b] = await loadMembers(await load(yaml));
    expect(b?.flows).toEqual(a?.flows);
  });

  it.each([
    ['a file that is not there', './none.ts', 'there is no file'],
    ['an export that is not there', `${fixtures}#duoble`, 'it exports no duoble (did you mean "double"?)'],
    ['an export of another kind', `${fixtures}#repairs`, 'there is no flow in it'],
  ])('CF1 refuses %s, with the path in the file', async (_what, module, why) => {
    const configuration = await load(`members: { A: { flows: ['${module}'] } }`);
    await expect(loadMembers(configuration)).rejects.toMatchObject({
      code: 'WEIR_MODULE_UNUSABLE',
      context: { path: 'members.A.flows[0]' },
      message: expect.stringContaining(why),
    });
  });

  it('CF1 tells why a module cannot be loaded', async () => {
    const directory = await folder({
      'weir.yaml': 'members: { A: { flows: [./bad.ts] } }',
      'bad.ts': 'throw new Error("not today");',
    });
    const configuration = await loadConfiguration({ environment: {}, directory });
    await expect(loadMembers(configuration)).rejects.toThrow('it cannot be loaded: not today');
  });
});
