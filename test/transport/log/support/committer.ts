/** A process that commits as fast as it can and says what was acknowledged, until it is killed. */

import { openLog } from './directory.ts';
import { claimAll, commitOf, readShard, topics } from './ledger.ts';

const log = await openLog(process.argv[2] ?? '');
await log.ensureTopics(topics);
const claims = await claimAll(log);
for (const claim of claims) {
  const shard = claim.shard.partition;
  let { head } = await readShard(log, claim);
  const next = async (): Promise<void> => {
    for (;;) {
      head += 1;
      await claim.commit(commitOf(shard, head));
      await log.append('flow.events', shard, [{ key: 'n', value: Buffer.from(String(head)) }]);
      // A pipe takes this before the call returns.
      process.stdout.write(`${shard} ${head}\n`);
    }
  };
  void next();
}
