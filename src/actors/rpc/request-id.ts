/** Ids that clients give their requests. */
import { WeirError } from '../../errors/index.ts';

/** @throws WeirError `WEIR_FLOW_REQUEST_ID_INVALID` */
export function checkRequestId(id: string): void {
  let why: string | undefined;
  if (id.length === 0) why = 'it is empty';
  else if (id.length > 200) why = `it has ${id.length} characters`;
  else if (/\p{Cc}/u.test(id)) why = 'it contains control characters';
  if (why !== undefined) throw new WeirError('WEIR_FLOW_REQUEST_ID_INVALID', { why });
}
