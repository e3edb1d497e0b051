/**
 * The thread in which PGlite runs: a statement occupies it until it ends, and nothing else. Whatever PGlite throws that
 * is no answer of the database ends the thread.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { messages, PGlite } from '@electric-sql/pglite';
import type { RawResult, Statement } from '../connection.ts';
import type { Answer, Request, ThreadData } from './protocol.ts';

const port = parentPort;
if (port === null) throw new Error('this module runs in a thread');

const { directory }: ThreadData = workerData;
const database = await PGlite.create({ dataDir: directory });
// Texts in, texts out: `parameters.ts` and `columns.ts` know the types, as for every driver.
database.serializers = {};
for (const type of Object.keys(database.parsers)) database.parsers[type] = (text) => text;

const answer = (message: Answer): void => port.postMessage(message);

async function run({ text, parameters, maxRows }: Statement): Promise<Answer> {
  try {
    const { rows, fields, rowCount, command } = await database.query<RawResult['rows'][number]>(text, [...parameters], {
      rowMode: 'array',
    });
    const inTransaction = database.isInTransaction();
    if (rows.length > maxRows) return { type: 'too-large', inTransaction };
    const columns = fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID }));
    return { type: 'result', result: { columns, rows, count: rowCount ?? 0, command: command ?? '' }, inTransaction };
  } catch (error) {
    if (!(error instanceof messages.DatabaseError)) throw error;
    const { code: sqlState = '', message, constraint, table, column, position } = error;
    return {
      type: 'refused',
      error: { sqlState, message, constraint, table, column, position },
      inTransaction: database.isInTransaction(),
    };
  }
}

port.on('message', async (request: Request) => {
  switch (request.type) {
    case 'run':
      answer(await run(request.statement));
      break;
    case 'close':
      await database.close();
      answer({ type: 'closed' });
      break;
  }
});
answer({ type: 'ready' });
