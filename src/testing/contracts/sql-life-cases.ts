/** Cases of the SQL port: deadlines, lost connections, limits and the end. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Sql, type SqlSettings, sqlFailureClass } from '../../persistence/index.ts';
import { expectCode, failureOf, firstValue, holdConnections, makeTable, untilItWorks } from './sql-contract-support.ts';
import type { MakeSqlDriver, SqlDriver } from './sql-driver.ts';

/** A statement that does not end by itself while a test runs. */
const endless = 'select pg_sleep(3600)';
/** Short for a statement that never ends; no test asserts how long it took. */
const soonMs = 100;

export function sqlLifeCases(driver: () => SqlDriver, makeDriver: MakeSqlDriver): void {
  const sql = (): Sql => driver().sql;
  const own = async (settings: SqlSettings): Promise<SqlDriver> => {
    const made = await makeDriver(settings);
    onTestFinished(() => made.dispose());
    return made;
  };
  const works = async (on = sql()): Promise<void> => {
    expect(await untilItWorks(() => firstValue(on, 'select 1'))).toBe(1);
  };

  describe('deadlines and cancelling', () => {
    it('ends a statement at its deadline, and goes on', async () => {
      const error = await failureOf(sql().query(endless, [], { within: soonMs }));
      expect([error.code, sqlFailureClass(error)]).toEqual(['WEIR_SQL_DEADLINE', 'transient']);
      await works();
    });

    it('ends a statement when its caller cancels it, and says why', async () => {
      const reason = new Error('nobody asks any more');
      const error = await failureOf(sql().query(endless, [], { signal: abortedAfter(soonMs, reason) }));
      expect([error.code, error.cause, sqlFailureClass(error)]).toEqual(['WEIR_SQL_CANCELLED', reason, 'application']);
      await works();
    });

    it('sends nothing for a caller who has cancelled already', async () => {
      const table = await makeTable(sql(), 'id int');
      const insert = sql().query(`insert into ${table} values (1)`, [], { signal: AbortSignal.abort() });
      const error = await failureOf(insert);
      expect([error.code, error.context.outcome]).toEqual(['WEIR_SQL_CANCELLED', 'none']);
      expect(await firstValue(sql(), `select count(*) from ${table}`)).toBe(0n);
    });

    it('stops in the database what it ends: its locks are free, and nothing of it stays', async () => {
      const table = await makeTable(sql(), 'id int');
      await expectCode(
        sql().query(`insert into ${table} select 1 from pg_sleep(3600)`, [], { within: soonMs }),
        'WEIR_SQL_DEADLINE',
      );
      await untilItWorks(() => sql().query(`drop table ${table}`, [], { within: '20 s' }));
    });

    it('rolls a transaction back whose work never ends', async () => {
      const table = await makeTable(sql(), 'id int');
      const work = sql().transaction(
        async (tx) => {
          await tx.query(`insert into ${table} values (1)`);
          await new Promise(() => undefined);
        },
        { within: 2_000 },
      );
      const error = await failureOf(work);
      expect([error.code, error.context.outcome]).toEqual(['WEIR_SQL_DEADLINE', 'none']);
      expect(await untilItWorks(() => firstValue(sql(), `select count(*) from ${table}`))).toBe(0n);
    });

    it('rolls a transaction back when one of its statements meets a deadline', async () => {
      const table = await makeTable(sql(), 'id int');
      const work = sql().transaction(async (tx) => {
        await tx.query(`insert into ${table} values (1)`);
        await tx.query(endless, [], { within: soonMs });
      });
      const error = await failureOf(work);
      expect([error.code, error.context.outcome]).toEqual(['WEIR_SQL_DEADLINE', 'none']);
      expect(await untilItWorks(() => firstValue(sql(), `select count(*) from ${table}`))).toBe(0n);
    });

    it('rolls a transaction back when its caller cancels it', async () => {
      const table = await makeTable(sql(), 'id int');
      const caller = new AbortController();
      const work = sql().transaction(
        async (tx) => {
          await tx.query(`insert into ${table} values (1)`);
          caller.abort();
          await tx.query(`insert into ${table} values (2)`);
        },
        { signal: caller.signal },
      );
      await expectCode(work, 'WEIR_SQL_CANCELLED');
      expect(await untilItWorks(() => firstValue(sql(), `select count(*) from ${table}`))).toBe(0n);
    });
  });

  describe('lost connections', () => {
    it('DB7 loses a transaction with its connection, and nothing of it is left', async () => {
      const table = await makeTable(sql(), 'id int');
      const work = sql().transaction(async (tx) => {
        await tx.query(`insert into ${table} values (1)`);
        await driver().breakConnection();
        await tx.query(`insert into ${table} values (2)`);
      });
      const error = await failureOf(work);
      expect([error.code, error.context.outcome, sqlFailureClass(error)]).toEqual([
        'WEIR_SQL_CONNECTION_LOST',
        'none',
        'transient',
      ]);
      expect(await untilItWorks(() => firstValue(sql(), `select count(*) from ${table}`))).toBe(0n);
    });

    it('DB7 does not know the outcome of a statement whose connection breaks, and says so', async () => {
      let settled = false;
      const failed = failureOf(sql().query(endless)).finally(() => {
        settled = true;
      });
      while (!settled) await driver().breakConnection();
      const error = await failed;
      expect([error.code, error.context.outcome]).toEqual(['WEIR_SQL_CONNECTION_LOST', 'unknown']);
      await works();
    });

    it('DB7 is well again, and keeps what was committed, after all connections broke', async () => {
      const table = await makeTable(sql(), 'id int');
      await sql().query(`insert into ${table} values (1)`);
      await driver().breakConnection();
      expect(await untilItWorks(() => firstValue(sql(), `select count(*) from ${table}`))).toBe(1n);
      expect(sql().health()).toEqual({ state: 'ok' });
    });
  });

  describe('limits', () => {
    it('W7 opens no more connections than its limit, and serves all who wait for one', async () => {
      const { connections } = driver();
      let [running, most] = [0, 0];
      const started: number[] = [];
      const work = (index: number): Promise<void> =>
        sql().transaction(async (tx) => {
          started.push(index);
          running += 1;
          most = Math.max(most, running);
          await tx.query('select 1');
          running -= 1;
        });
      const held = await holdConnections(sql(), connections);
      const all = Array.from({ length: connections * 3 }, (_, index) => work(index));
      expect(started).toEqual([]);
      await held.letGo();
      await Promise.all(all);
      expect(started.toSorted((a, b) => a - b)).toEqual(all.map((_, index) => index));
      expect(most).toBeLessThanOrEqual(connections);
    });

    it('W7 refuses who comes when too many wait already, and nobody else', async () => {
      const made = await own({ maxWaiting: 2 });
      const held = await holdConnections(made.sql, made.connections);
      const waiting = [1, 2].map((value) => firstValue(made.sql, `select ${value}`));
      const error = await failureOf(made.sql.query('select 3'));
      expect([error.code, error.retryable, error.context.outcome]).toEqual(['WEIR_SQL_BUSY', true, 'none']);
      await held.letGo();
      expect(await Promise.all(waiting)).toEqual([1, 2]);
    });

    it('W7 counts the wait for a connection into the deadline', async () => {
      const held = await holdConnections(sql(), driver().connections);
      const error = await failureOf(sql().query('select 1', [], { within: soonMs }));
      expect([error.code, error.context.outcome]).toEqual(['WEIR_SQL_DEADLINE', 'none']);
      await held.letGo();
      await works();
    });
  });

  describe('the end', () => {
    it('W6 finishes what runs, refuses what waits and what comes', async () => {
      const made = await own({});
      const table = await makeTable(made.sql, 'id int');
      const gate = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      const running = made.sql.transaction(async (tx) => {
        await tx.query(`insert into ${table} values (1)`);
        begun.resolve();
        await gate.promise;
        return tx.query(`insert into ${table} values (2)`);
      });
      await begun.promise;
      const held = await holdConnections(made.sql, made.connections - 1);
      const waiting = made.sql.query('select 1');
      const closed = made.sql.close();
      await expectCode(waiting, 'WEIR_SQL_CLOSED');
      await expectCode(made.sql.query('select 1'), 'WEIR_SQL_CLOSED');
      gate.resolve();
      await held.letGo();
      expect((await running).count).toBe(1);
      await closed;
      await expectCode(
        made.sql.transaction(async () => undefined),
        'WEIR_SQL_CLOSED',
      );
      await made.sql.close();
    });

    it('W6 stops what does not come to its end in time', async () => {
      const made = await own({ closeWithin: soonMs });
      const begun = Promise.withResolvers<void>();
      const running = made.sql.transaction(async (tx) => {
        await tx.query('select 1');
        begun.resolve();
        await tx.query(endless);
      });
      await begun.promise;
      const refused = expectCode(running, 'WEIR_SQL_CLOSED');
      await made.sql.close();
      await refused;
    });
  });
}

/** A signal that aborts while the statement runs, on the machine's time like the database itself. */
function abortedAfter(ms: number, reason: Error): AbortSignal {
  const caller = new AbortController();
  setTimeout(() => caller.abort(reason), ms);
  return caller.signal;
}
