/** Heads of flows, decoded once for all who watch: records are shared, and decoding is most of what watching costs. */
import { type FlowHead, flowHead } from '../../persistence/index.ts';

const decoded = new WeakMap<Uint8Array, FlowHead>();

/** Whether a record of a shard is the head of a flow, by its key. */
export function isFlowHead(key: string): boolean {
  return key.startsWith('c/') && !key.startsWith('c/@');
}

/** @throws WeirError `WEIR_RECORD_UNREADABLE` */
export function headOf(value: Uint8Array): Readonly<FlowHead> {
  let head = decoded.get(value);
  if (head === undefined) {
    head = flowHead.decode(value);
    decoded.set(value, head);
  }
  return head;
}
