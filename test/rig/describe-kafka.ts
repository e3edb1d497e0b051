/** Suites that need a real broker: skipped, loudly, where none can be started; never when `CI` is set. */
import { afterAll, beforeAll, describe } from 'vitest';
import { type KafkaRig, type KafkaRigSettings, startKafka } from './kafka.ts';
import { kafkaMissing } from './kafka-home.ts';

const startTimeoutMs = 180_000;

/** A suite with brokers of its own; `kafka()` is them, once tests run. */
export function describeKafka(
  name: string,
  settings: KafkaRigSettings | (() => KafkaRigSettings),
  suite: (kafka: () => KafkaRig) => void,
): void {
  const missing = kafkaMissing();
  const skipped = missing !== undefined && process.env.CI === undefined;
  if (skipped) console.warn(`SKIPPED: ${name}: ${missing}`);
  describe.skipIf(skipped)(name, () => {
    let rig: KafkaRig | undefined;
    beforeAll(async () => {
      rig = await startKafka(typeof settings === 'function' ? settings() : settings);
    }, startTimeoutMs);
    afterAll(() => rig?.close());
    suite(() => {
      if (rig === undefined) throw new Error('the brokers are there once tests run');
      return rig;
    });
  });
}
