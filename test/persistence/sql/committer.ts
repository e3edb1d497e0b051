/** A process that commits numbers to a PGlite database until it is killed, and prints each once it is committed. */
import { openPglite } from '../../../src/persistence/index.ts';
import { systemClock } from '../../../src/ports/index.ts';

const sql = await openPglite({ directory: process.argv[2] ?? '', clock: systemClock() });
await sql.query('create table if not exists numbers (n int primary key)');
for (let n = 1; ; n++) {
  await sql.query('insert into numbers values ($1)', [n]);
  process.stdout.write(`${n}\n`);
}
