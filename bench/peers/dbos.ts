/** DBOS Transact: the engine in this process, its state in a PostgreSQL that is made for the run. */
import { DBOS } from '@dbos-inc/dbos-sdk';
import { startPostgres } from './postgres.ts';
import { data, measureLoad, work } from './processes.ts';

const postgres = await startPostgres();
try {
  const threeStep = DBOS.registerWorkflow(
    async (input: string) => {
      const first = await DBOS.runStep(() => work(input), { name: 'first' });
      const second = await DBOS.runStep(() => work(first), { name: 'second' });
      return DBOS.runStep(() => work(second), { name: 'third' });
    },
    { name: 'threeStep' },
  );
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: postgres.url,
    systemDatabasePoolSize: 20,
    logLevel: 'error',
    enableOTLP: false,
  });
  await DBOS.launch();
  const own = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  };
  const runs = await measureLoad(
    'dbos',
    { runs: 3, flows: 1_000, warmUp: 800 },
    () => own() + postgres.cpuMs(),
    async () => {
      const handle = await DBOS.startWorkflow(threeStep)(data);
      if ((await handle.getResult()) !== data) throw new Error('DBOS gave another result');
    },
  );
  await DBOS.shutdown();
  const notes = [
    `DBOS Transact 5.3.0 (MIT) on ${postgres.version} (PostgreSQL licence)`,
    'the engine runs in the process of the caller, without HTTP; SQL over loopback to PostgreSQL, 20 connections; fsync and synchronous_commit on, the other settings are PostgreSQL defaults',
    'CPU: engine with the caller, and PostgreSQL',
  ];
  process.stdout.write(`${JSON.stringify({ runs, notes })}\n`);
} finally {
  await postgres.stop();
}
process.exit();
