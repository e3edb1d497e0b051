/** Suites that need a real PostgreSQL: skipped, loudly, where none can be started; never when `CI` is set. */
import { afterAll, beforeAll, describe } from 'vitest';
import { type PostgresRig, postgresMissing, startPostgres } from './postgres.ts';

/** A suite with a server of its own; `postgres()` is that server, once tests run. */
export function describePostgres(name: string, suite: (postgres: () => PostgresRig) => void): void {
  const missing = postgresMissing();
  const skipped = missing !== undefined && process.env.CI === undefined;
  if (skipped) console.warn(`SKIPPED: ${name}: ${missing}`);
  describe.skipIf(skipped)(name, () => {
    let rig: PostgresRig | undefined;
    beforeAll(async () => {
      rig = await startPostgres();
    });
    afterAll(() => rig?.close());
    suite(() => {
      if (rig === undefined) throw new Error('the server is there once tests run');
      return rig;
    });
  });
}
