/**
 * A real Apache Kafka on loopback for developers, until Ctrl-C.
 *
 * Usage: npm run kafka -- --help
 * Without a directory nothing is kept. Needs Java 17 or newer, and Maven the first time.
 */
import { once } from 'node:events';
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { startKafka } from '../test/rig/kafka.ts';
import { kafkaMissing, kafkaVersion } from '../test/rig/kafka-home.ts';
import { count } from './option-values.ts';

interface Flags {
  readonly brokers: '1' | '3';
  readonly port: number;
  readonly directory?: string;
  readonly set: Readonly<Record<string, string>>;
}

const program = new Command('kafka')
  .description('Runs a real Apache Kafka on loopback, until Ctrl-C.')
  .addOption(new Option('--brokers <n>', 'how many').choices(['1', '3']).default('1'))
  .option('--port <n>', 'of the first broker; the others have those that follow', count, 9092)
  .option('--directory <folder>', 'keep the data here; default: nothing is kept')
  .option('--set <name=value>', 'a setting of the brokers; may be given several times', setting, {});

function setting(text: string, others: Flags['set']): Flags['set'] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It should be the name of a setting, =, and its value.');
  return { ...others, [text.slice(0, at)]: text.slice(at + 1) };
}

const { brokers, port, directory, set } = program.parse().opts<Flags>();
const missing = kafkaMissing();
if (missing !== undefined) program.error(missing);

console.log(`Apache Kafka ${kafkaVersion}: starting`);
const kafka = await startKafka({
  brokers: brokers === '3' ? 3 : 1,
  port,
  compiler: 'full',
  ...(directory !== undefined && { directory: resolve(directory) }),
  settings: set,
});
console.log(`Apache Kafka ${kafkaVersion}: ${kafka.brokers.join(',')} (Ctrl-C stops it)`);
await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)));
await Promise.all(kafka.brokers.map((_, broker) => kafka.stop(broker)));
await kafka.close();
