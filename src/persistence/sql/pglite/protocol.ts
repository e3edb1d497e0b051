/** What a database and the thread that runs it say to each other. Plain data, as threads copy it. */
import type { RawResult, Statement } from '../connection.ts';
import type { ServerErrorFields } from '../failures.ts';

/** One request at a time. */
export type Request = { readonly type: 'run'; readonly statement: Statement } | { readonly type: 'close' };

export type Answer =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly result: RawResult; readonly inTransaction: boolean }
  | { readonly type: 'refused'; readonly error: ServerErrorFields; readonly inTransaction: boolean }
  | { readonly type: 'too-large'; readonly inTransaction: boolean }
  | { readonly type: 'closed' };

export interface ThreadData {
  /** Of the tables; made when it is not there. */
  readonly directory: string;
}
