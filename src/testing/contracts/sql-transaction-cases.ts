/** Cases of the SQL port: a transaction happens as a whole or not at all, and others see nothing of it before. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type Sql, sqlFailureClass } from '../../persistence/index.ts';
import { expectCode, failureOf, firstValue, makeTable, untilItWorks } from './sql-contract-support.ts';
import type { SqlDriver } from './sql-driver.ts';

export function sqlTransactionCases(driver: () => SqlDriver): void {
  describe('transactions', () => {
    let sql: Sql;
    let table: string;
    const count = (): Promise<unknown> => firstValue(sql, `select count(*) from ${table}`);
    const insert = (id: number): string => `insert into ${table} values (${id})`;

    beforeEach(async () => {
      sql = driver().sql;
      table = await makeTable(sql, 'id int primary key, balance int');
    });

    it('commits what its work did, and gives what the work returns', async () => {
      const result = await sql.transaction(async (tx) => {
        await tx.query(insert(1));
        await tx.query(insert(2));
        return firstValue(tx, `select count(*) from ${table}`);
      });
      expect([result, await count()]).toEqual([2n, 2n]);
    });

    it('rolls back when its work throws, and throws the same', async () => {
      const reason = new Error('changed my mind');
      const work = sql.transaction(async (tx) => {
        await tx.query(insert(1));
        throw reason;
      });
      await expect(work).rejects.toBe(reason);
      expect(await count()).toBe(0n);
    });

    it('rolls back when a statement failed, though its work took no notice', async () => {
      const later: unknown[] = [];
      const work = sql.transaction(async (tx) => {
        await tx.query(insert(1));
        await tx.query(insert(1)).catch(() => undefined);
        later.push((await failureOf(tx.query(insert(2)))).code);
      });
      await expectCode(work, 'WEIR_SQL_CONSTRAINT');
      expect([later, await count()]).toEqual([['WEIR_SQL_STATEMENT'], 0n]);
    });

    it('shows nobody the half of itself', async () => {
      const gate = Promise.withResolvers<void>();
      const work = sql.transaction(async (tx) => {
        await tx.query(insert(1));
        gate.resolve();
        await tx.query(insert(2));
      });
      await gate.promise;
      const seen = await Promise.all(Array.from({ length: 10 }, count));
      await work;
      expect(seen.filter((one) => one !== 0n && one !== 2n)).toEqual([]);
      expect(await count()).toBe(2n);
    });

    it('runs its statements in the order of the calls, also those that nobody awaits', async () => {
      await sql.transaction(async (tx) => {
        for (let id = 1; id <= 20; id++) void tx.query(`insert into ${table} select ${id}, count(*) from ${table}`);
      });
      const { rows } = await sql.query(`select id - balance as difference from ${table}`);
      expect(rows).toEqual(Array.from({ length: 20 }, () => ({ difference: 1 })));
    });

    it('refuses statements after its end', async () => {
      let kept: Pick<Sql, 'query'> | undefined;
      await sql.transaction(async (tx) => {
        kept = tx;
      });
      await expectCode(kept?.query(insert(1)) ?? Promise.resolve(), 'WEIR_SQL_STATEMENT');
      expect(await count()).toBe(0n);
    });

    it('refuses to be ended by one of its statements', async () => {
      await expectCode(
        sql.transaction((tx) => tx.query('rollback')),
        'WEIR_SQL_STATEMENT',
      );
      expect(await firstValue(sql, 'select 1')).toBe(1);
    });

    it.each(['read committed', 'repeatable read', 'serializable'] as const)(
      'has the isolation %s',
      async (isolation) => {
        const work = sql.transaction((tx) => firstValue(tx, 'show transaction_isolation'), { isolation });
        expect(await work).toBe(isolation);
      },
    );

    it('changes nothing when it is read-only', async () => {
      await expectCode(
        sql.transaction((tx) => tx.query(insert(1)), { readOnly: true }),
        'WEIR_SQL_STATEMENT',
      );
      expect(await count()).toBe(0n);
    });

    it('loses no update when transactions that meet are run again', async () => {
      await sql.query(`insert into ${table} values (1, 0)`);
      const increment = (): Promise<void> =>
        sql.transaction(
          async (tx) => {
            const balance = Number(await firstValue(tx, `select balance from ${table}`));
            await tx.query(`update ${table} set balance = $1`, [balance + 1]);
          },
          { isolation: 'serializable' },
        );
      await Promise.all(Array.from({ length: 12 }, () => untilItWorks(increment)));
      expect(await firstValue(sql, `select balance from ${table}`)).toBe(12);
    });

    it('keeps what it has not committed from those beside it', async ({ skip }) => {
      if (driver().connections < 2) return skip('the driver runs one transaction at a time');
      const seen = await sql.transaction(async (tx) => {
        await tx.query(insert(1));
        return count();
      });
      expect([seen, await count()]).toEqual([0n, 1n]);
    });

    it('fails with a conflict, which is transient, when it meets another one', async ({ skip }) => {
      if (driver().connections < 2) return skip('the driver runs one transaction at a time');
      await sql.query(`insert into ${table} values (1, 0)`);
      const work = sql.transaction(
        async (tx) => {
          await tx.query(`select balance from ${table}`);
          await sql.query(`update ${table} set balance = 5`);
          await tx.query(`update ${table} set balance = 7`);
        },
        { isolation: 'repeatable read' },
      );
      const error = await failureOf(work);
      expect([error.code, sqlFailureClass(error), error.context.outcome]).toEqual([
        'WEIR_SQL_CONFLICT',
        'transient',
        'none',
      ]);
      expect(await firstValue(sql, `select balance from ${table}`)).toBe(5);
    });

    it('breaks a deadlock by a conflict for one of the two', async ({ skip }) => {
      if (driver().connections < 2) return skip('the driver runs one transaction at a time');
      await sql.query(`insert into ${table} values (1, 0), (2, 0)`);
      const bothHold = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
      const lockBoth = (mine: 0 | 1): Promise<void> =>
        sql.transaction(async (tx) => {
          await tx.query(`update ${table} set balance = balance + 1 where id = ${mine + 1}`);
          bothHold[mine].resolve();
          await bothHold[mine === 0 ? 1 : 0].promise;
          await tx.query(`update ${table} set balance = balance + 1 where id = ${2 - mine}`);
        });
      const outcomes = await Promise.allSettled([lockBoth(0), lockBoth(1)]);
      const failures = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      expect(failures).toMatchObject([{ code: 'WEIR_SQL_CONFLICT', retryable: true }]);
      expect(await firstValue(sql, `select sum(balance) from ${table}`)).toBe(2n);
    });
  });
}
