/** How programs that embed a node name flows, and ask for many of them. */
import type { FlowName as RpcFlowName, FlowQuery as RpcFlowQuery } from '../actors/rpc/index.ts';
import { identityOf, type MemberName } from '../ports/index.ts';

/** Names one flow: by its id, or by what its client called it. */
export type FlowName = { readonly flowId: string } | { readonly member: MemberName; readonly clientRequestId: string };

export interface FlowQuery extends Omit<RpcFlowQuery, 'member'> {
  /** Only flows of this member. */
  readonly member?: MemberName | undefined;
}

export function rpcName(name: FlowName): RpcFlowName {
  return 'flowId' in name ? name : { ...name, member: identityOf(name.member) };
}
