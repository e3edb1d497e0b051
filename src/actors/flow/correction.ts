import type { Act } from './act.ts';

/** What an operator may ask of a STUCK flow, and how that is called in its history. */
export type Correction =
  /** The failed operation is performed anew. */
  | { readonly type: 'retry' }
  /** The stage begins anew with this state: for `start` that is the input. What it did before is not undone. */
  | { readonly type: 'edit'; readonly state: unknown }
  /** The failed operation counts as done, with this result. */
  | { readonly type: 'skip'; readonly result: unknown };

/** How the act is called in a flow's history. */
export function actOf({ type }: Correction): Act {
  return type === 'retry' ? 'retry' : type === 'edit' ? 'retry with another state' : 'skip';
}
