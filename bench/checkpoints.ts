/** What stands in the records of a directory that no node has open: the flows of a shard that have not ended. */
import { flowHead } from '../src/persistence/index.ts';
import { silentLogger, systemClock } from '../src/ports/index.ts';
import { openEmbeddedLog } from '../src/transport/log/index.ts';

/** Bytes of one flow, without keys; the mean of all. */
export interface CheckpointSizes {
  /** Of head, journal, signals and unread messages. */
  readonly checkpointBytes: number;
  /** Of the state within them. */
  readonly stateBytes: number;
  /** Of the status that clients are told. */
  readonly statusBytes: number;
}

export async function checkpointsOf(data: string, partition: number): Promise<CheckpointSizes> {
  const log = await openEmbeddedLog({ directory: data, clock: systemClock(), logger: silentLogger });
  try {
    const sums = { flows: 0, checkpoint: 0, state: 0, status: 0 };
    const claim = await log.claim({ topic: 'flow.state', partition });
    for await (const chunk of claim.restore()) {
      for (const { key, value } of chunk) {
        if (value === null || !/^[cjgi]\//.test(key)) continue;
        sums.checkpoint += value.length;
        if (!key.startsWith('c/')) continue;
        sums.flows++;
        sums.state += flowHead.decode(value).state.length;
      }
    }
    for await (const chunk of log.read('flow.status', partition)) {
      for (const { value } of chunk) sums.status += value?.length ?? 0;
    }
    const { flows, checkpoint, state, status } = sums;
    return { checkpointBytes: checkpoint / flows, stateBytes: state / flows, statusBytes: status / flows };
  } finally {
    await log.close();
  }
}
