/** The RPC service of a worker. */
import { type FlowRequest, flowTopics } from '../actors/flow/protocol.ts';
import type { Ref } from '../actors/kernel/index.ts';
import { type FlowCatalogue, type RpcMessage, rpcBehavior, Unanswered } from '../actors/rpc/index.ts';
import type { Router } from '../actors/shard/index.ts';
import type { Authorize, MemberDirectory } from '../ports/index.ts';
import type { TopicSpec } from '../transport/log/index.ts';
import { flowTopicSpecs } from './flow-service.ts';
import { logNeed, type ServiceDescriptor, type ServiceTopics } from './service.ts';

export interface RpcServiceSetup {
  /** Whether this worker runs flows, too; else it starts without any, and what is asked waits for the worker that does. */
  readonly besideFlows: boolean;
  readonly partitions: number;
  readonly router: Router<FlowRequest>;
  readonly catalogue: FlowCatalogue;
  readonly directory: MemberDirectory;
  readonly authorize: Authorize;
  /** Whether a worker that runs flows is there, as far as is known here. */
  readonly flowsRun: () => boolean;
  /** How long ended flows are kept, in milliseconds. */
  readonly retentionMs: number;
  /** Told the address of each incarnation. */
  readonly onStarted: (ref: Ref<RpcMessage>) => void;
}

export const rpcAccess: ServiceTopics = {
  reads: [flowTopics.status, flowTopics.audit, flowTopics.answers],
  writes: [flowTopics.events],
};

/** It may be the first of its node. */
export function rpcTopicSpecs(partitions: number): readonly TopicSpec[] {
  const { reads, writes } = rpcAccess;
  return flowTopicSpecs(partitions).filter(({ name }) => reads.includes(name) || writes.includes(name));
}

export function rpcService(setup: RpcServiceSetup): ServiceDescriptor {
  let facts: () => Readonly<Record<string, unknown>> = () => ({});
  const unanswered = new Unanswered();
  return {
    name: 'rpc',
    needs: setup.besideFlows ? [logNeed, 'flow'] : [logNeed],
    uses: setup.besideFlows ? [] : ['flow'],
    topics: rpcAccess,
    creates: rpcTopicSpecs(setup.partitions),
    secrets: [],
    start: ({ log, random }) => {
      const behavior = rpcBehavior({ ...setup, log, random, unanswered }, (inspect) => {
        facts = inspect;
      });
      return async (context: Parameters<typeof behavior>[0]) => {
        const receive = await behavior(context);
        // Requests that wait while it restarts are answered by its next incarnation.
        setup.onStarted(context.address);
        return receive;
      };
    },
    inspect: () => facts(),
  };
}
