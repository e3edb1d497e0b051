/** How the parts of a client ask the service of their node. */
import type { Ref } from '../actors/kernel/index.ts';
import type { RpcAnswer, RpcRequest } from '../actors/rpc/index.ts';

/** Resolves with the answer, or rejects with the error that was answered. */
export type ClientRequest = <T>(make: (replyTo: Ref<RpcAnswer<T>>) => RpcRequest) => Promise<T>;
