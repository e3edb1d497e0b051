/** What a worker process tells its parent. Owns the form of these messages. */
import { z } from 'zod';

const workerReport = z.discriminatedUnion('type', [
  /** It is ready; `url` is where its HTTP listens, if it does. */
  z.object({ type: z.literal('up'), url: z.string().optional() }),
  /** The id that the brokers know it by in a group: by it the parent leaves the group for a worker that died. */
  z.object({ type: z.literal('member'), group: z.string(), memberId: z.string() }),
]);
export type WorkerReport = z.output<typeof workerReport>;

/** Undefined for anything else that flow code of a worker may send to the parent of its process. */
export function workerReportOf(message: unknown): WorkerReport | undefined {
  return workerReport.safeParse(message).data;
}
