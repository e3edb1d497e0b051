/** What is special to a server: that it is away, killed, silent, or does not let us in. */
import { inspect } from 'node:util';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { PostgresSetup, Sql, SqlHealth } from '../../../src/persistence/index.ts';
import { sqlFailureClass } from '../../../src/persistence/index.ts';
import { virtualClock } from '../../../src/testing/virtual-clock.ts';
import { describePostgres } from '../../rig/describe-postgres.ts';
import type { PostgresRig } from '../../rig/postgres.ts';
import { type Line, lineTo } from './line.ts';
import { openOn } from './support.ts';

describePostgres('PostgreSQL driver', (postgres) => {
  const open = async (settings: Partial<PostgresSetup> = {}): Promise<Sql> => {
    const sql = await openOn(postgres(), settings);
    onTestFinished(() => sql.close());
    return sql;
  };
  const lineToServer = async (): Promise<Line> => {
    const line = await lineTo(postgres().port);
    onTestFinished(() => line.close());
    return line;
  };

  describe('a server that goes and comes', () => {
    const next = (sql: Sql, state: SqlHealth['state']): Promise<SqlHealth> =>
      new Promise((resolve) => sql.onHealth((health) => health.state === state && resolve(health)));

    afterEach(async () => {
      if (!postgres().isRunning()) await postgres().start();
    });

    it('DB7 fails for the moment while the server is killed, and goes on by itself when it is back', async () => {
      const clock = virtualClock();
      const sql = await open({ clock, maxConnections: 3 });
      await sql.query('create table kept (id int)');
      await sql.query('insert into kept values (1)');
      const running = sql.query('select pg_sleep(3600)');
      const [lost, down] = [running.catch((error: unknown) => error), next(sql, 'down')];
      // The statement has to be there before the server goes.
      await untilItRuns(postgres(), 'pg_sleep');
      await postgres().kill();
      expect(await lost).toMatchObject({
        code: 'WEIR_SQL_CONNECTION_LOST',
        retryable: true,
        context: { outcome: 'unknown' },
      });
      await expect(sql.query('select 1')).rejects.toMatchObject({
        code: 'WEIR_SQL_UNAVAILABLE',
        context: { outcome: 'none' },
      });
      expect(await down).toMatchObject({ state: 'down', since: clock.now(), error: { code: 'WEIR_SQL_UNAVAILABLE' } });
      expect(sql.health().state).toBe('down');

      await postgres().start();
      const well = next(sql, 'ok');
      await clock.advance('1 s');
      await well;
      expect((await sql.query('select id from kept')).rows).toEqual([{ id: 1 }]);
    });

    it('DB7 opens though the server is away, and works once it is there', async () => {
      const clock = virtualClock();
      await postgres().stop();
      const sql = await open({ clock });
      expect(sql.health()).toMatchObject({ state: 'down' });
      await expect(sql.query('select 1')).rejects.toMatchObject({ code: 'WEIR_SQL_UNAVAILABLE' });
      await postgres().start();
      expect((await sql.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
      expect(sql.health()).toEqual({ state: 'ok' });
    });
  });

  describe('a line that falls silent', () => {
    it('gives a connection up that answers nothing, not even when it is asked to stop', async () => {
      const [clock, line] = [virtualClock(), await lineToServer()];
      const sql = await open({ clock, port: line.port, maxConnections: 1 });
      line.silence();
      const failed = sql.query('select 1', [], { within: '5 s' }).catch((error: unknown) => error);
      await clock.advance('5 s');
      await clock.advance('2 s');
      expect(await failed).toMatchObject({ code: 'WEIR_SQL_DEADLINE', context: { outcome: 'unknown' } });
      line.restore();
      expect((await sql.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    });

    it('takes a server that never answers for one that is away', async () => {
      const [clock, line] = [virtualClock(), await lineToServer()];
      line.silence();
      const opening = open({ clock, port: line.port });
      await clock.advance('5 s');
      const why = 'no connection within 5000 ms';
      expect((await opening).health()).toMatchObject({ state: 'down', error: { context: { why } } });
    });

    it('closes though the server says no goodbye', async () => {
      const [clock, line] = [virtualClock(), await lineToServer()];
      const sql = await open({ clock, port: line.port });
      line.silence();
      const closed = sql.close();
      await clock.advance('2 s');
      await closed;
    });

    it('says of a commit without an answer that its outcome is unknown; here it took effect', async () => {
      const line = await lineToServer();
      const sql = await open({ port: line.port });
      await sql.query('create table half_known (id int)');
      const work = sql.transaction(async (tx) => {
        await tx.query('insert into half_known values (1)');
        line.breakAfter('commit');
      });
      await expect(work).rejects.toMatchObject({ code: 'WEIR_SQL_CONNECTION_LOST', context: { outcome: 'unknown' } });
      expect(await postgres().run('select count(*) from half_known')).toBe('1');
    });
  });

  describe('the server', () => {
    it('runs nothing any more of a statement that was stopped', async () => {
      const sql = await open();
      await expect(sql.query('select pg_sleep(3600) as stopped', [], { within: 50 })).rejects.toThrow();
      const active = "state = 'active' and query like '%as stopped%' and pid <> pg_backend_pid()";
      expect(await postgres().run(`select count(*) from pg_stat_activity where ${active}`)).toBe('0');
    });

    it('W7 sees no more connections than the limit, by the name that was given', async () => {
      const sql = await open({ maxConnections: 2, applicationName: 'two at most' });
      const mine = "application_name = 'two at most'";
      const waiting: Array<Promise<unknown>> = [];
      const seen = await sql.transaction(() =>
        sql.transaction(() => {
          for (let count = 0; count < 20; count++) waiting.push(sql.query('select 1'));
          return postgres().run(`select count(*) from pg_stat_activity where ${mine}`);
        }),
      );
      await Promise.all(waiting);
      expect(seen).toBe('2');
    });
  });

  describe('letting us in', () => {
    it.each<[string, Partial<PostgresSetup>]>([
      ['a wrong password', { password: 'open sesame' }],
      ['no password', { password: '' }],
      ['an unknown user', { user: 'nobody' }],
      ['an unknown database', { database: 'atlantis' }],
    ])('takes %s for a fault of the settings', async (_name, settings) => {
      const sql = await open(settings);
      const error = await sql.query('select 1').catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'WEIR_SQL_LOGIN' });
      expect(sqlFailureClass(error)).toBe('fatal');
      const shown = inspect([error, sql.health()], { depth: 20, showHidden: true });
      for (const secret of ['open sesame', postgres().password]) expect(shown).not.toContain(secret);
    });

    it('W10 takes no password from the environment', async () => {
      vi.stubEnv('PGPASSWORD', postgres().password);
      onTestFinished(() => void vi.unstubAllEnvs());
      const sql = await open({ password: '' });
      await expect(sql.query('select 1')).rejects.toMatchObject({ code: 'WEIR_SQL_LOGIN' });
    });

    it('asks for the password at each connection, so that it may change', async () => {
      const given = ['wrong', postgres().password];
      const sql = await open({ password: async () => given.shift() ?? '', maxConnections: 1 });
      expect(sql.health()).toMatchObject({ state: 'down', error: { code: 'WEIR_SQL_LOGIN' } });
      expect((await sql.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    });

    it('refuses to go without TLS when it was asked for', async () => {
      const sql = await open({ tls: true });
      await expect(sql.query('select 1')).rejects.toMatchObject({ code: 'WEIR_SQL_UNAVAILABLE', message: /SSL/ });
    });
  });
});

async function untilItRuns(postgres: PostgresRig, text: string): Promise<void> {
  const running = `state = 'active' and query like '%${text}%' and pid <> pg_backend_pid()`;
  while ((await postgres.run(`select count(*) from pg_stat_activity where ${running}`)) === '0');
}
