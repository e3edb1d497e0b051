/**
 * Clients of a simulated world: programs outside every worker that start flows, ask for them and act as operators.
 *
 * Owns what a good client does: it waits a bounded time, and asks again, with the same request id, another worker,
 * until it is told "accepted" or refused for good. What it was told is what the invariants hold Weir to (W8).
 */
import { messageOf, WeirError } from '../../errors/index.ts';
import type { FlowDefinition, FlowView, Node } from '../../index.ts';
import { type Authority, type Clock, identityOf, type MemberName, type Random } from '../../ports/index.ts';
import type { ClientWord } from './events.ts';
import { describeOrder, type NodeOrder } from './orders.ts';
import type { SimWorker } from './worker.ts';

export interface ClientSetup {
  /** The lane of the clients. */
  readonly clock: Clock;
  readonly random: Random;
  /** Workers of the node that hosts a member. */
  readonly workersOf: (member: MemberName) => readonly SimWorker[];
  readonly observe: (node: string, what: ClientWord, id: string, text: string) => void;
}

/** A flow that a client was told is accepted. */
export interface Accepted {
  readonly member: MemberName;
  readonly flow: string;
  readonly clientRequestId: string;
  readonly flowId: string;
}

const operator: Authority['principal'] = { name: 'sim:operator', kind: 'operator' };
const answerWithinMs = 5_000;
const betweenTriesMs = 200;

export class SimClients {
  readonly #setup: ClientSetup;
  readonly #accepted = new Map<string, Accepted>();
  /** Requests that have no answer yet. */
  #open = 0;
  /** Orders that operators have tried to give. */
  #orders = 0;

  constructor(setup: ClientSetup) {
    this.#setup = setup;
  }

  /** Whether every request has had its answer. */
  get quiet(): boolean {
    return this.#open === 0;
  }

  accepted(): readonly Accepted[] {
    return [...this.#accepted.values()];
  }

  /** Starts a flow; undefined when it was refused for good, which the trace tells. */
  async start<Input, Result>(
    member: MemberName,
    flow: FlowDefinition<Input, Result>,
    input: Input,
    clientRequestId: string,
  ): Promise<Accepted | undefined> {
    const text = `${flow.name} of ${identityOf(member).name}`;
    const answer = await this.ask(member, clientRequestId, `start ${text}`, async (node) => {
      const { flowId } = await node.start(member, flow, input, { clientRequestId });
      // Whoever was told "accepted" finds the flow where it was told.
      await node.get({ flowId }).catch((error: unknown) => {
        if (WeirError.is(error, 'WEIR_FLOW_NOT_FOUND')) this.#tell(member, 'missed', clientRequestId, text);
      });
      return { member, flow: flow.name, clientRequestId, flowId };
    });
    if (answer === undefined) return undefined;
    this.#tell(member, 'accepted', clientRequestId, `${text} as ${answer.flowId}`);
    this.#accepted.set(clientRequestId, answer);
    return answer;
  }

  /** Where a flow stands. */
  async view(member: MemberName, clientRequestId: string): Promise<FlowView | undefined> {
    return this.ask(member, clientRequestId, 'get', (node) =>
      node.get({ member: identityOf(member), clientRequestId }),
    );
  }

  /**
   * An operator of the member's node gives an order, to whichever worker is asked; false when it was refused for good.
   * Each try is an act of its own, with a reason of its own.
   */
  async order(member: MemberName, id: string, order: NodeOrder): Promise<boolean> {
    const given = await this.ask(member, id, describeOrder(order), async (_node, worker) => {
      this.#orders += 1;
      await worker.order(order, { principal: operator, reason: `${id}, try ${this.#orders}` });
      return true;
    });
    return given === true;
  }

  /** Asks workers of the member's node, one after the other, until one answers; undefined when it refuses for good. */
  async ask<Answer>(
    member: MemberName,
    id: string,
    text: string,
    request: (node: Node, worker: SimWorker) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    this.#open += 1;
    try {
      for (;;) {
        const answer = await this.#tryOnce(member, id, text, request);
        if (answer !== 'again') return answer.value;
        await this.#pause(betweenTriesMs);
      }
    } catch (error) {
      this.#tell(member, 'refused', id, `${text}: ${messageOf(error)}`);
      return undefined;
    } finally {
      this.#open -= 1;
    }
  }

  async #tryOnce<Answer>(
    member: MemberName,
    id: string,
    text: string,
    request: (node: Node, worker: SimWorker) => Promise<Answer>,
  ): Promise<{ readonly value: Answer } | 'again'> {
    const { clock, random, workersOf } = this.#setup;
    const up = workersOf(member).filter(({ ready }) => ready !== undefined);
    const worker = up[Math.floor(random.next() * up.length)];
    const node = worker?.ready;
    const lane = worker?.lane;
    if (worker === undefined || node === undefined || lane === undefined) return 'again';
    this.#tell(member, 'asks', id, `${worker.name}: ${text}`);
    return new Promise((resolve, reject) => {
      const timer = clock.after(answerWithinMs, () => resolve('again'));
      // Both the request and its answer cross from one process to the other.
      lane.soon(() => {
        request(node, worker).then(
          (value) =>
            clock.soon(() => {
              timer.cancel();
              resolve({ value });
            }),
          (error: unknown) =>
            clock.soon(() => {
              timer.cancel();
              if (worthAnotherTry(error)) resolve('again');
              else reject(error);
            }),
        );
      });
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#setup.clock.after(ms, resolve));
  }

  #tell(member: MemberName, what: ClientWord, id: string, text: string): void {
    this.#setup.observe(this.#setup.workersOf(member)[0]?.node ?? '', what, id, text);
  }
}

function worthAnotherTry(error: unknown): boolean {
  return WeirError.is(error) && (error.retryable || error.code === 'WEIR_NODE_STOPPED');
}
