/**
 * A real Apache Kafka on loopback for developers, until Ctrl-C.
 *
 * Usage: npm run kafka -- [--brokers 1|3] [--port 9092] [--directory DIR] [--set NAME=VALUE]...
 * Without a directory nothing is kept. Needs Java 17 or newer, and Maven the first time.
 */
import { once } from 'node:events';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startKafka } from '../test/rig/kafka.ts';
import { kafkaMissing, kafkaVersion } from '../test/rig/kafka-home.ts';

const { values } = parseArgs({
  options: {
    brokers: { type: 'string', default: '1' },
    port: { type: 'string', default: '9092' },
    directory: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
  },
});

const missing = kafkaMissing();
if (missing !== undefined || !['1', '3'].includes(values.brokers) || !/^\d{1,5}$/.test(values.port)) {
  console.error(
    missing ?? 'usage: npm run kafka -- [--brokers 1|3] [--port 9092] [--directory DIR] [--set NAME=VALUE]...',
  );
  process.exit(1);
}

console.log(`Apache Kafka ${kafkaVersion}: starting`);
const kafka = await startKafka({
  brokers: values.brokers === '3' ? 3 : 1,
  port: Number(values.port),
  compiler: 'full',
  ...(values.directory !== undefined && { directory: resolve(values.directory) }),
  settings: Object.fromEntries(values.set.map((setting) => [setting.split('=', 1)[0], setting.replace(/^[^=]*=/, '')])),
});
console.log(`Apache Kafka ${kafkaVersion}: ${kafka.brokers.join(',')} (Ctrl-C stops it)`);
await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)));
await Promise.all(kafka.brokers.map((_, broker) => kafka.stop(broker)));
await kafka.close();
