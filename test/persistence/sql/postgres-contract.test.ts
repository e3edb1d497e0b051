import { sqlContract } from '../../../src/testing/contracts/index.ts';
import { describePostgres } from '../../rig/describe-postgres.ts';
import { openOn } from './support.ts';

describePostgres('PostgreSQL', (postgres) => {
  sqlContract('postgres', async (settings) => {
    const maxConnections = 4;
    const sql = await openOn(postgres(), { ...settings, maxConnections });
    return {
      sql,
      connections: maxConnections,
      secrets: [postgres().password],
      breakConnection: async () => {
        const others = "backend_type = 'client backend' and pid <> pg_backend_pid()";
        await postgres().run(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${others}`);
      },
      dispose: () => sql.close(),
    };
  });
});
