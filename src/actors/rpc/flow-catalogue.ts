import type { Identity } from '../../ports/index.ts';

/** What the service has to know of flows' definitions. */
export interface FlowCatalogue {
  /**
   * The canonical bytes of an input that fits, and the version of the flow whose schema has said so.
   * @throws WeirError `WEIR_MEMBER_UNKNOWN`, `WEIR_FLOW_UNKNOWN`, `WEIR_FLOW_RESPONDS`, `WEIR_FLOW_INPUT_INVALID`
   */
  parseInput(member: Identity, flow: string, input: unknown): { readonly bytes: Uint8Array; readonly version: number };
  /**
   * The canonical bytes of the body of a signal that fits.
   * @throws WeirError `WEIR_FLOW_UNKNOWN`, `WEIR_SIGNAL_UNKNOWN`, `WEIR_SIGNAL_INVALID`
   */
  parseSignal(member: Identity, flow: string, signal: string, body: unknown): Uint8Array;
  /** @throws WeirError `WEIR_MEMBER_UNKNOWN`, `WEIR_ACTOR_UNKNOWN`, `WEIR_MESSAGE_INVALID` */
  checkMessage(member: Identity, actor: string, message: string, body: unknown): void;
}
