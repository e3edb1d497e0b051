/** Sizes that flow code can reach. They are checked before anything joins a batch, so that they concern one flow alone. */
import { WeirError } from '../../errors/index.ts';
import type { ShardHost } from '../shard/index.ts';

/** Largest value that a flow may keep, send or return, in bytes: half a record, which leaves room for what goes with it. */
export function maxValueBytes({ limits }: Pick<ShardHost, 'limits'>): number {
  return Math.floor(limits.maxRecordBytes / 2);
}

/** @throws WeirError `WEIR_FLOW_TOO_LARGE` */
export function checkSize(host: Pick<ShardHost, 'limits'>, flow: string, what: string, bytes: number): void {
  const limit = maxValueBytes(host);
  if (bytes > limit) throw new WeirError('WEIR_FLOW_TOO_LARGE', { what, flow, bytes, limit });
}
