/**
 * Real Apache Kafka brokers on loopback (KRaft, one or three), for tests and for developers.
 *
 * Owns their processes: start, clean stop, SIGKILL, SIGSTOP, restart on the same data. They die with the process that
 * started them, however it ends.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { keepClasses, keptClasses } from './kafka-classes.ts';
import { kafkaHome } from './kafka-home.ts';
import { portOf, type TcpProxy, tcpProxy } from './tcp-proxy.ts';

export interface KafkaRigSettings {
  /** Default 1. Three replicate everything, with `min.insync.replicas=2`. */
  readonly brokers?: 1 | 3;
  /** More settings of every broker, or other ones. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A second listener with this protocol; its own settings belong into `settings`, as `listener.name.secure....`. */
  readonly secure?: 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  /** Whether each broker is also reached over a network that can be cut and slowed down: see `detours`. Default no. */
  readonly detours?: boolean;
  /** More arguments for formatting, such as `--add-scram`. */
  readonly format?: readonly string[];
  /** Where data and logs are. Default: a directory of its own, gone after `close`. */
  readonly directory?: string;
  /** Port of the first broker; the next ones follow in steps of ten. Default: free ports. */
  readonly port?: number;
  /** `quick` starts sooner, `full` runs faster. Default `quick`. */
  readonly compiler?: 'quick' | 'full';
}

export interface KafkaRig {
  /** `host:port` of each broker. */
  readonly brokers: readonly string[];
  /** The same for the second listener; empty when there is none. */
  readonly secureBrokers: readonly string[];
  /** The same by way of `detours`: whoever comes that way is never told of another one. */
  readonly detouredBrokers: readonly string[];
  /** The networks in front of the brokers; empty unless they were asked for. */
  readonly detours: readonly TcpProxy[];
  /** Starts a broker (numbered from 0) that was stopped or killed, on its data. */
  start(broker: number): Promise<void>;
  /** A clean stop. */
  stop(broker: number): Promise<void>;
  /** SIGKILL. */
  kill(broker: number): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(broker: number): void;
  resume(broker: number): void;
  /** Runs a class of the distribution, such as `org.apache.kafka.tools.TopicCommand`; answers what it printed. */
  tool(className: string, args: readonly string[]): Promise<string>;
  /** What a broker has printed, its newest part. */
  output(broker: number): string;
  /** Kills all brokers and removes their data, unless the directory was given. */
  close(): Promise<void>;
}

const clusterId = 'WeirWeirWeirWeirWeirWA';
const keptOutput = 100_000;

const logging = `rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
logger.ready.name=kafka.server.KafkaRaftServer
logger.ready.level=INFO
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %c{1} %m%n
`;

/** Starts the brokers; resolves when all of them serve. */
export async function startKafka(given: KafkaRigSettings = {}): Promise<KafkaRig> {
  const home = kafkaHome();
  await keepClasses(home, async (more) => {
    const rig = await startBrokers({}, home, more);
    await rig.stop(0).finally(rig.close);
  });
  return startBrokers(given, home, keptClasses(home));
}

/** `more` is what the JVM of each broker is told besides. */
async function startBrokers(given: KafkaRigSettings, home: string, more: readonly string[]): Promise<KafkaRig> {
  const directory = given.directory ?? mkdtempSync(join(tmpdir(), 'weir-kafka-'));
  mkdirSync(directory, { recursive: true });
  const logConfig = join(directory, 'log4j2.properties');
  writeFileSync(logConfig, logging);
  const ports = await portsOf(given);
  const detours = given.detours === true ? await Promise.all(ports.map(({ detoured }) => tcpProxy(detoured))) : [];
  const jvm = [
    ...['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC'],
    ...(given.compiler === 'full' ? [] : ['-XX:TieredStopAtLevel=1']),
    ...[`-Dlog4j2.configurationFile=${logConfig}`, '-cp', join(home, 'libs', '*')],
  ];
  const tool = async (className: string, args: readonly string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)('java', [...keptClasses(home), ...jvm, className, ...args]);
    return stdout;
  };
  const brokers = await Promise.all(
    ports.map(async (_, index) => {
      const configuration = join(directory, `broker-${index}.properties`);
      writeFileSync(configuration, propertiesOf(given, { directory, ports, detours, index }));
      const format = ['format', '--ignore-formatted', '-t', clusterId, '-c', configuration, ...(given.format ?? [])];
      await tool('kafka.tools.StorageTool', format);
      return new Broker([...more, ...jvm, 'kafka.Kafka', configuration]);
    }),
  );
  const of = (index: number): Broker => {
    const broker = brokers[index];
    if (broker === undefined) throw new Error(`there is no broker ${index}`);
    return broker;
  };
  const close = async (): Promise<void> => {
    await Promise.all(brokers.map((broker) => broker.end('SIGKILL')));
    await Promise.all(detours.map((detour) => detour.close()));
    if (given.directory === undefined) rmSync(directory, { recursive: true, force: true });
  };
  try {
    await Promise.all(brokers.map((broker) => broker.start()));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    brokers: ports.map(({ plain }) => `127.0.0.1:${plain}`),
    secureBrokers: given.secure === undefined ? [] : ports.map(({ secure }) => `127.0.0.1:${secure}`),
    detouredBrokers: detours.map(({ port }) => `127.0.0.1:${port}`),
    detours,
    start: (index) => of(index).start(),
    stop: (index) => of(index).end('SIGTERM'),
    kill: (index) => of(index).end('SIGKILL'),
    pause: (index) => of(index).signal('SIGSTOP'),
    resume: (index) => of(index).signal('SIGCONT'),
    output: (index) => of(index).output,
    ...{ tool, close },
  };
}

class Broker {
  readonly #command: readonly string[];
  #process: ChildProcess | undefined;
  #watcher: ChildProcess | undefined;
  output = '';

  constructor(command: readonly string[]) {
    this.#command = command;
  }

  async start(): Promise<void> {
    if (this.#process !== undefined) throw new Error('the broker runs already');
    const broker = spawn('java', this.#command, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#process = broker;
    this.#watcher = watch(broker);
    broker.once('exit', () => {
      this.#watcher?.kill('SIGKILL');
      this.#process = undefined;
    });
    await new Promise<void>((resolve, reject) => {
      broker.once('error', reject);
      broker.once('exit', (code) => reject(new Error(`the broker ended (${code}) before it served:\n${this.output}`)));
      for (const stream of [broker.stdout, broker.stderr]) {
        stream.setEncoding('utf8');
        stream.on('data', (text: string) => {
          this.output = (this.output + text).slice(-keptOutput);
          if (text.includes('Kafka Server started')) resolve();
        });
      }
    });
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const broker = this.#process;
    if (broker === undefined) return;
    const ended = once(broker, 'exit');
    broker.kill(signal);
    await ended;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal);
  }
}

/** Kills the broker when this process ends without having done so: its end closes the pipe that the watcher reads. */
function watch(broker: ChildProcess): ChildProcess {
  const script = 'read _; kill -9 "$1" 2>/dev/null';
  const stdio: ['pipe', 'ignore', 'ignore'] = ['pipe', 'ignore', 'ignore'];
  return spawn('sh', ['-c', script, 'watch', String(broker.pid)], { stdio, detached: true });
}

interface Ports {
  readonly plain: number;
  readonly controller: number;
  readonly secure: number;
  /** Where its detour comes to. */
  readonly detoured: number;
}

async function portsOf({ brokers = 1, port }: KafkaRigSettings): Promise<Ports[]> {
  const free = port === undefined ? await freePorts(brokers * 4) : [];
  return Array.from({ length: brokers }, (_, index) => {
    const fixed = (port ?? 0) + index * 10;
    return {
      plain: free[index * 4] ?? fixed,
      controller: free[index * 4 + 1] ?? fixed + 1,
      secure: free[index * 4 + 2] ?? fixed + 2,
      detoured: free[index * 4 + 3] ?? fixed + 3,
    };
  });
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map(portOf);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

interface Place {
  readonly directory: string;
  readonly ports: readonly Ports[];
  readonly detours: readonly TcpProxy[];
  readonly index: number;
}

function propertiesOf(given: KafkaRigSettings, { directory, ports, detours, index }: Place): string {
  const own = ports[index];
  if (own === undefined) throw new Error(`there is no broker ${index}`);
  // Clients are told to come where a listener is advertised: those of a detour to the detour.
  const listeners = [
    { name: 'PLAINTEXT', protocol: 'PLAINTEXT', port: own.plain, advertised: own.plain },
    ...(given.secure === undefined
      ? []
      : [{ name: 'SECURE', protocol: given.secure, port: own.secure, advertised: own.secure }]),
    ...detours
      .slice(index, index + 1)
      .map(({ port }) => ({ name: 'DETOUR', protocol: 'PLAINTEXT', port: own.detoured, advertised: port })),
  ];
  const protocols = listeners.map(({ name, protocol }) => `${name}:${protocol}`);
  const replicas = String(ports.length);
  const inSync = ports.length > 1 ? '2' : '1';
  const settings: Record<string, string> = {
    'node.id': String(index + 1),
    'process.roles': 'broker,controller',
    'controller.quorum.voters': ports.map(({ controller }, at) => `${at + 1}@127.0.0.1:${controller}`).join(','),
    listeners: [
      ...listeners.map(({ name, port }) => `${name}://127.0.0.1:${port}`),
      `CONTROLLER://127.0.0.1:${own.controller}`,
    ].join(','),
    'advertised.listeners': listeners.map(({ name, advertised }) => `${name}://127.0.0.1:${advertised}`).join(','),
    'listener.security.protocol.map': [...protocols, 'CONTROLLER:PLAINTEXT'].join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(directory, `data-${index}`),
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': '4',
    // Brokers wait for more members and for long sessions by default; tests do not.
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'log.cleaner.backoff.ms': '200',
    'log.cleaner.dedupe.buffer.size': '8388608',
    'num.io.threads': '4',
    'num.network.threads': '2',
    ...given.settings,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
