/** Cases of the SQL port: every failure has a code that says what to do about it, and none tells a secret. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { sqlFailureClass } from '../../persistence/index.ts';
import { failureOf, firstValue, makeTable } from './sql-contract-support.ts';
import type { SqlDriver } from './sql-driver.ts';

export function sqlErrorCases(driver: () => SqlDriver): void {
  const sql = () => driver().sql;

  describe('constraints', () => {
    const makeOrders = async (): Promise<string> => {
      const table = await makeTable(
        sql(),
        'id int primary key, parent int, amount int not null, room int, constraint positive check (amount > 0)',
      );
      await sql().query(`alter table ${table} add constraint parent_${table} foreign key (parent) references ${table}`);
      await sql().query(`alter table ${table} add constraint room_${table} exclude (room with =)`);
      await sql().query(`insert into ${table} values (1, null, 10, 1)`);
      return table;
    };

    it.each([
      ['unique', '(1, null, 10, 2)', 'pkey'],
      ['foreign-key', '(2, 99, 10, 2)', 'parent'],
      ['not-null', '(2, null, null, 2)', undefined],
      ['check', '(2, null, -10, 2)', 'positive'],
      ['exclusion', '(2, null, 10, 1)', 'room'],
    ])('DB6 names the kind %s, its constraint and its table', async (kind, values, constraint) => {
      const table = await makeOrders();
      const error = await failureOf(sql().query(`insert into ${table} values ${values}`));
      expect(error.code).toBe('WEIR_SQL_CONSTRAINT');
      expect(error.context).toMatchObject({ kind, table, outcome: 'none' });
      if (constraint !== undefined) expect(error.context.constraint).toContain(constraint);
      if (kind === 'not-null') expect(error.context.column).toBe('amount');
      expect(sqlFailureClass(error)).toBe('application');
      expect(await firstValue(sql(), `select count(*) from ${table}`)).toBe(1n);
    });

    it('DB6 tells of a deferred constraint when the transaction commits', async () => {
      const table = await makeTable(sql(), 'id int primary key, parent int');
      await sql().query(
        `alter table ${table} add foreign key (parent) references ${table} deferrable initially deferred`,
      );
      let inserted = false;
      const work = sql().transaction(async (tx) => {
        await tx.query(`insert into ${table} values (1, 2)`);
        inserted = true;
      });
      const error = await failureOf(work);
      expect([inserted, error.code, error.context.kind]).toEqual([true, 'WEIR_SQL_CONSTRAINT', 'foreign-key']);
      expect(await firstValue(sql(), `select count(*) from ${table}`)).toBe(0n);
    });
  });

  describe('refusals', () => {
    it.each([
      ['selec 1', 'WEIR_SQL_STATEMENT', 'fatal'],
      ['select * from no_such_table', 'WEIR_SQL_STATEMENT', 'fatal'],
      ['select no_such_column', 'WEIR_SQL_STATEMENT', 'fatal'],
      ['select 1; select 2', 'WEIR_SQL_STATEMENT', 'fatal'],
      ['begin', 'WEIR_SQL_STATEMENT', 'fatal'],
      ['select 1 / 0', 'WEIR_SQL_VALUE', 'application'],
      ["select 'word'::int4", 'WEIR_SQL_VALUE', 'application'],
      ['select 99999999999::int4', 'WEIR_SQL_VALUE', 'application'],
      ["do $$ begin raise exception 'the vault is shut'; end $$", 'WEIR_SQL_RAISED', 'application'],
    ] as const)('takes "%s" for %s', async (text, code, failureClass) => {
      const error = await failureOf(sql().query(text));
      expect([error.code, sqlFailureClass(error)]).toEqual([code, failureClass]);
      expect(error.context.outcome).toBe('none');
      expect(await firstValue(sql(), 'select 1')).toBe(1);
    });

    it('says where a statement is wrong, and what a function raised', async () => {
      expect((await failureOf(sql().query('select 1 frm x y'))).message).toMatch(/at or near "\w+" at character \d+/);
      const raised = await failureOf(sql().query("do $$ begin raise exception 'the vault is shut'; end $$"));
      expect(raised.message).toContain('the vault is shut');
    });

    it('takes a number of parameters that does not fit the statement for a wrong statement', async () => {
      for (const parameters of [[], [1, 2]]) {
        expect(sqlFailureClass(await failureOf(sql().query('select $1::int4', parameters)))).toBe('fatal');
      }
      expect(await firstValue(sql(), 'select 1')).toBe(1);
    });

    it('keeps values, literals and credentials out of errors, their causes too', async () => {
      const secret = 'hunter2-and-more';
      const table = await makeTable(sql(), 'id int, secret text unique check (length(secret) < 20)');
      await sql().query(`insert into ${table} values (1, $1)`, [secret]);
      const errors = await Promise.all(
        [
          sql().query(`insert into ${table} values (2, $1)`, [secret]),
          sql().query(`insert into ${table} values (2, $1)`, [`${secret} ${secret}`]),
          sql().query('select $1::int4', [secret]),
          sql().query('select $1::timestamptz', [secret]),
          sql().query('select $1::jsonb', [secret]),
          sql().query(`select '${secret}'::int4`),
          sql().query(`create role someone pasword '${secret}'`),
          sql().query(`create role someone password '${secret}`),
          sql().query(`select 1 as "${'x'.repeat(5)}" '${secret}'`),
          sql().transaction(async (tx) => {
            await tx.query('select $1::uuid', [secret]);
          }),
        ].map(failureOf),
      );
      for (const error of errors) {
        const shown = `${error.stack} ${inspect(error, { depth: 20, showHidden: true, maxStringLength: null })}`;
        for (const word of [secret, ...driver().secrets]) expect(shown).not.toContain(word);
      }
    });
  });
}
