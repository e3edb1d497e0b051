/** What a program that embeds a node does to a flow as an operator. */
import type { Correction } from '../actors/flow/protocol.ts';
import type { FlowView } from '../actors/rpc/index.ts';
import { WeirError } from '../errors/index.ts';
import type { Authority } from '../ports/index.ts';
import type { ClientRequest } from './client-request.ts';
import { type FlowName, rpcName } from './flow-query.ts';

export function operatorClient(request: ClientRequest, authority: Authority) {
  /** A reason stands in every record of the act, so it has to be text, whatever the types say. */
  const because = (reason: unknown): Authority => {
    if (typeof reason === 'string') return { ...authority, reason };
    throw new WeirError('WEIR_REQUEST_INVALID', { why: `the reason is ${typeof reason}, not text` });
  };
  const resume = (name: FlowName, reason: string, correction: Correction): Promise<FlowView> =>
    request((replyTo) => ({
      type: 'retry',
      name: rpcName(name),
      correction,
      authority: because(reason),
      replyTo,
    }));

  return {
    /**
     * Lets a STUCK flow try again; the reason stays in its history.
     * @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND`, `WEIR_FLOW_NOT_STUCK`, `WEIR_FLOW_FINISHED`,
     *   `WEIR_FORBIDDEN`, `WEIR_SHARD_UNAVAILABLE`, `WEIR_NODE_STOPPED`
     */
    retry: (name: FlowName, reason: string): Promise<FlowView> => resume(name, reason, { type: 'retry' }),
    /**
     * Lets a STUCK flow begin its stage anew with another state (for `start`: another input). What the stage did before
     * is not undone, and its steps run again under new ids.
     * @throws WeirError `WEIR_FLOW_STATE_INVALID`, `WEIR_VALUE_UNSUPPORTED`, and what `retry` throws
     */
    retryWith: (name: FlowName, state: unknown, reason: string): Promise<FlowView> =>
      resume(name, reason, { type: 'edit', state }),
    /**
     * Lets a STUCK flow go on as if the operation that failed had given `result`.
     * @throws WeirError `WEIR_FLOW_NOTHING_TO_SKIP`, `WEIR_VALUE_UNSUPPORTED`, and what `retry` throws
     */
    skip: (name: FlowName, result: unknown, reason: string): Promise<FlowView> =>
      resume(name, reason, { type: 'skip', result }),
    /**
     * Ends a flow as KILLED; its peers are told, the reason stays in its history.
     * @throws WeirError `WEIR_FLOW_NOT_FOUND`, `WEIR_REQUEST_NOT_FOUND`, `WEIR_FLOW_FINISHED`, `WEIR_FORBIDDEN`,
     *   `WEIR_SHARD_UNAVAILABLE`, `WEIR_NODE_STOPPED`
     */
    kill: (name: FlowName, reason: string): Promise<FlowView> =>
      request((replyTo) => ({ type: 'kill', name: rpcName(name), authority: because(reason), replyTo })),
    /**
     * Lets a flow run its cleanup (`finally`) and ends it as KILLED; its peers are told, the reason stays in its history.
     * @throws WeirError `WEIR_FLOW_STUCK` when its cleanup cannot run, and what `kill` throws
     */
    cancel: (name: FlowName, reason: string): Promise<FlowView> =>
      request((replyTo) => ({ type: 'cancel', name: rpcName(name), authority: because(reason), replyTo })),
  };
}
