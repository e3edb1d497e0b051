/**
 * Where the jars of Apache Kafka are: fetched once a machine from its Maven artifacts, of one pinned version.
 *
 * `WEIR_KAFKA_HOME` names a directory with `libs/*.jar` (an unpacked distribution will do) to use instead.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** The version that tests run against. */
export const kafkaVersion = '4.3.1';

const oldestJava = 17;
const copyDependencies = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
const artifacts = [
  ['org.apache.kafka', 'kafka_2.13', kafkaVersion],
  ['org.apache.kafka', 'kafka-tools', kafkaVersion],
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', '2.25.3'],
];

/** Why no broker can be started on this machine, in one sentence; undefined when one can. */
export function kafkaMissing(): string | undefined {
  const java = javaVersion();
  if (java === undefined) return `Apache Kafka needs Java ${oldestJava} or newer, and there is no java on the PATH`;
  if (java < oldestJava) return `Apache Kafka needs Java ${oldestJava} or newer, and java is version ${java}`;
  const home = homeDirectory();
  if (hasJars(home)) return undefined;
  if (process.env.WEIR_KAFKA_HOME !== undefined) return `WEIR_KAFKA_HOME has no libs directory: ${home}`;
  return onPath('mvn')
    ? undefined
    : `Apache Kafka is not at ${home}, and there is no mvn (Maven) on the PATH to fetch it`;
}

/** The directory whose `libs` holds the jars; fetches them when they are not there (some 50 MB). */
export function kafkaHome(): string {
  const missing = kafkaMissing();
  if (missing !== undefined) throw new Error(missing);
  const home = homeDirectory();
  if (!hasJars(home)) fetchJars(home);
  return home;
}

function homeDirectory(): string {
  return process.env.WEIR_KAFKA_HOME ?? join(homedir(), '.cache', 'weir', `kafka-${kafkaVersion}`);
}

function hasJars(home: string): boolean {
  return existsSync(join(home, 'libs'));
}

function fetchJars(home: string): void {
  mkdirSync(dirname(home), { recursive: true });
  // Whole or not at all, also when several processes fetch at once: made aside, then renamed.
  const aside = mkdtempSync(`${home}-`);
  const dependencies = artifacts.map(
    ([group, artifact, version]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
  );
  const pom = join(aside, 'pom.xml');
  writeFileSync(
    pom,
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>weir</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies.join('\n')}</dependencies></project>\n`,
  );
  const goal = [copyDependencies, `-DoutputDirectory=${join(aside, 'libs')}`];
  const done = spawnSync('mvn', ['-q', '-B', '-f', pom, ...goal], { encoding: 'utf8' });
  try {
    if (done.status !== 0) {
      throw new Error(`Maven cannot fetch Apache Kafka ${kafkaVersion}: ${done.stdout}${done.stderr}`);
    }
    if (!hasJars(home)) renameSync(aside, home);
  } catch (error) {
    // Another process was quicker.
    if (!hasJars(home)) throw error;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function javaVersion(): number | undefined {
  const { stderr, status } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const version = /version "(?:1\.)?(\d+)/.exec(stderr ?? '')?.[1];
  return status === 0 && version !== undefined ? Number(version) : undefined;
}

function onPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
