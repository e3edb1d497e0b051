/**
 * The thread in which PGlite runs: a statement occupies it until it ends, and nothing else. Whatever PGlite throws that
 * is no answer of the database ends the thread.
 *
 * It speaks PostgreSQL's protocol to PGlite: texts in, texts out, and never more rows than asked for. PGlite's own
 * `query` has values of its own and collects any number of rows.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { messages, PGlite, protocol } from '@electric-sql/pglite';
import type { Column, Statement } from '../connection.ts';
import type { Answer, Request, ThreadData } from './protocol.ts';

const port = parentPort;
if (port === null) throw new Error('this module runs in a thread');

const { directory }: ThreadData = workerData;
const database = await PGlite.create({ dataDir: directory });
const { serialize } = protocol;

const answer = (message: Answer): void => port.postMessage(message);

async function run({ text, parameters, maxRows }: Statement): Promise<Answer> {
  const request = Buffer.concat([
    serialize.parse({ text }),
    serialize.bind({ values: [...parameters] }),
    serialize.describe({ type: 'P' }),
    serialize.execute({ rows: maxRows + 1 }),
    serialize.sync(),
  ]);
  try {
    return resultOf(await database.execProtocolStream(request, { syncToFs: false }), maxRows);
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

function resultOf(answers: Awaited<ReturnType<PGlite['execProtocolStream']>>, maxRows: number): Answer {
  const inTransaction = database.isInTransaction();
  const rows: Array<Array<string | null>> = [];
  let columns: Column[] = [];
  let tag = '';
  for (const message of answers) {
    if (message instanceof messages.RowDescriptionMessage) {
      columns = message.fields.map(({ name, dataTypeID }) => ({ name, type: dataTypeID }));
    } else if (message instanceof messages.DataRowMessage) rows.push(message.fields);
    else if (message instanceof messages.CommandCompleteMessage) tag = message.text;
  }
  if (rows.length > maxRows) return { type: 'too-large', inTransaction };
  // `INSERT 0 5`, `SELECT 5`, `CREATE TABLE`
  const count = Number(/ (\d+)$/.exec(tag)?.[1] ?? 0);
  return { type: 'result', result: { columns, rows, count, command: tag.split(' ')[0] ?? '' }, inTransaction };
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
