/** Random trees of supervisors, and a stage on which they stand: every leaf notes what becomes of it, and what is wrong. */
import fc from 'fast-check';
import type { ActorContext, ActorSystem, Cause, Ref, TellResult } from '../../src/actors/kernel/index.ts';
import { seededRandom } from '../../src/ports/index.ts';
import {
  type AnyBehavior,
  type ChildAnswer,
  type ChildSpec,
  type ChildStatus,
  type Restart,
  type SupervisorMessage,
  type SupervisorSpec,
  supervisor,
} from '../../src/supervisors/index.ts';
import type { VirtualClock } from '../../src/testing/index.ts';
import { testSystem } from '../actors/kernel/support.ts';
import type { Act } from './support.ts';

export interface LeafNode {
  readonly id: string;
  readonly restart: Restart;
  readonly significant: boolean;
}

export interface SupervisorNode extends LeafNode {
  readonly strategy: 'one-for-one' | 'all-for-one' | 'rest-for-one';
  readonly max: number;
  readonly autoShutdown: NonNullable<SupervisorSpec['autoShutdown']>;
  readonly children: readonly TreeNode[];
}

export type TreeNode = LeafNode | SupervisorNode;

export function isSupervisor(node: TreeNode): node is SupervisorNode {
  return 'children' in node;
}

type Shape = Omit<LeafNode, 'id'> & {
  readonly inner?: Omit<SupervisorNode, keyof LeafNode | 'children'>;
  readonly below: readonly Shape[];
};

const restart = fc.constantFrom<Restart>('permanent', 'permanent', 'transient', 'temporary');
const significant = fc.constantFrom(false, false, false, true);
const leafShape: fc.Arbitrary<Shape> = fc.record({ restart, significant, below: fc.constant([]) });

const shapeOfDepth = (depth: number): fc.Arbitrary<Shape> =>
  fc.record({
    restart,
    significant,
    inner: fc.record({
      strategy: fc.constantFrom<SupervisorNode['strategy']>('one-for-one', 'all-for-one', 'rest-for-one'),
      max: fc.constantFrom(0, 1, 2, 5, 50),
      autoShutdown: fc.constantFrom<SupervisorNode['autoShutdown']>(
        'never',
        'never',
        'any-significant',
        'all-significant',
      ),
    }),
    below: fc.array(
      depth === 0
        ? leafShape
        : fc.oneof({ weight: 3, arbitrary: leafShape }, { weight: 1, arbitrary: shapeOfDepth(depth - 1) }),
      { minLength: 1, maxLength: 4 },
    ),
  });

/** A tree of at most three levels of supervisors; ids are unique in all of it. */
export const anyTree: fc.Arbitrary<SupervisorNode> = shapeOfDepth(2).map((shape) => {
  let named = 0;
  const grow = ({ below, inner, ...leaf }: Shape): TreeNode => {
    const id = `n${named}`;
    named += 1;
    return inner === undefined ? { id, ...leaf } : { id, ...leaf, ...inner, children: below.map(grow) };
  };
  const top = grow(shape);
  if (!isSupervisor(top)) throw new TypeError('the top of a tree is a supervisor');
  return top;
});

/** All nodes under `top`, each with the supervisor that it stands under. */
export function nodesOf(top: SupervisorNode): { readonly node: TreeNode; readonly under: SupervisorNode }[] {
  return top.children.flatMap((node) => [{ node, under: top }, ...(isSupervisor(node) ? nodesOf(node) : [])]);
}

/** What an incarnation may be told: how it is to be handled, and which one it is meant for, if any. */
export interface Note {
  readonly kind: 'work' | 'wait' | 'throw' | 'hang';
  readonly meantFor: number | undefined;
}

/** One leaf over all its incarnations. */
export class Leaf {
  starts = 0;
  handled = 0;
  context: ActorContext<Note> | undefined;
  /** Addresses of all its incarnations. */
  readonly selves: Ref<Note>[] = [];
  /** How its next starts go. */
  readonly script: ('throws' | 'hangs')[] = [];
  /** How its next ends go. */
  hangingEnds = 0;

  get runs(): boolean {
    return this.context !== undefined && !this.context.signal.aborted;
  }
}

const backoff = { min: 100, max: 1_000, jitter: 0 };
const startWithinMs = 500;
const turnWithinMs = 400;
const shutdownMs = 300;

export class Stage {
  readonly clock: VirtualClock;
  readonly system: ActorSystem;
  readonly leaves = new Map<string, Leaf>();
  /** Invariants that did not hold. */
  readonly wrong: string[] = [];
  readonly escalated: Error[] = [];
  /** Supervisors whose children have been started by message: there an earlier child may start after a later one. */
  readonly disordered = new Set<string>();
  readonly top: Ref<SupervisorMessage>;
  readonly #selves = new Map<string, ActorContext<SupervisorMessage>>();

  constructor(tree: SupervisorNode) {
    const { clock, system } = testSystem({ turnsPerPhase: 3 });
    this.clock = clock;
    this.system = system;
    system.onEscalation((_path, error) => this.escalated.push(error));
    this.top = system.spawn(tree.id, this.#supervising(tree), {
      shutdownMs: Number.POSITIVE_INFINITY,
      onFailure: () => ({ type: 'escalate' }),
    });
  }

  leaf(id: string): Leaf {
    const known = this.leaves.get(id) ?? new Leaf();
    this.leaves.set(id, known);
    return known;
  }

  /** Whether this supervisor runs. */
  stands(id: string): boolean {
    return this.#selves.get(id)?.signal.aborted === false;
  }

  self(id: string): Ref<SupervisorMessage> | undefined {
    return this.stands(id) ? this.#selves.get(id)?.self : undefined;
  }

  async status(id: string): Promise<readonly ChildStatus[]> {
    return this.#ask(id, (replyTo) => ({ type: 'status', replyTo }));
  }

  /** Asks for an act, and leaves the answer to others: who is asked may end, hang or be suspended. */
  act(id: string, what: Act): void {
    if (!this.stands(id)) return;
    this.#ask<ChildAnswer>(id, (replyTo) => ({ ...what, replyTo })).catch(() => undefined);
  }

  /** Tells the leaf something by the address of one of its incarnations; -1 is the newest. */
  tell(id: string, kind: Note['kind'], incarnation: number): TellResult | undefined {
    const leaf = this.leaf(id);
    const at = incarnation < 0 ? leaf.starts : 1 + (incarnation % Math.max(1, leaf.starts));
    return leaf.selves[at - 1]?.tell({ kind, meantFor: at });
  }

  childOf(node: TreeNode, under: SupervisorNode): ChildSpec {
    const { id, restart: type, significant: counts } = node;
    const common = { id, restart: type, significant: counts };
    if (isSupervisor(node)) return { ...common, shutdown: 'infinite', start: () => this.#supervising(node) };
    const start = (): AnyBehavior => (context: ActorContext<Note>) => this.#leafStarts(id, under, context);
    return { ...common, start, startWithin: startWithinMs, turnWithin: turnWithinMs, shutdown: shutdownMs };
  }

  #supervising(node: SupervisorNode) {
    const { strategy, max, autoShutdown, children } = node;
    const behavior = supervisor(
      {
        strategy,
        autoShutdown,
        intensity: { max, within: '1 h' },
        backoff,
        children: children.map((child) => this.childOf(child, node)),
      },
      { random: seededRandom(1) },
    );
    return (context: ActorContext<SupervisorMessage>) => {
      if (this.stands(node.id)) this.wrong.push(`${node.id} supervises twice`);
      this.#selves.set(node.id, context);
      return behavior(context);
    };
  }

  #leafStarts(id: string, under: SupervisorNode, context: ActorContext<Note>) {
    const leaf = this.leaf(id);
    if (leaf.runs) this.wrong.push(`${id} runs twice`);
    if (!this.stands(under.id)) this.wrong.push(`${id} starts without its supervisor`);
    if (!this.disordered.has(under.id)) this.#checkOrder(id, under);
    leaf.starts += 1;
    const incarnation = leaf.starts;
    leaf.context = context;
    leaf.selves.push(context.self);
    const how = leaf.script.shift();
    if (how === 'throws') throw new Error(`${id} cannot start`);
    const receive = {
      message: (note: Note) => this.#handle(id, incarnation, note, context),
      ended: (_cause: Cause) => {
        if (!context.signal.aborted) this.wrong.push(`${id} has ended and its signal does not say so`);
        if (leaf.hangingEnds === 0) return undefined;
        leaf.hangingEnds -= 1;
        return new Promise<void>(() => undefined);
      },
    };
    return how === 'hangs' ? new Promise<typeof receive>(() => undefined) : receive;
  }

  /** In a group those after a child end before it starts again. */
  #checkOrder(id: string, { strategy, children }: SupervisorNode): void {
    if (strategy === 'one-for-one') return;
    const at = children.findIndex((child) => child.id === id);
    // What is added comes last.
    const after = at < 0 ? [] : children.slice(at + 1);
    for (const { id: other } of after) {
      if (this.leaf(other).runs || this.stands(other)) this.wrong.push(`${id} starts while ${other} runs`);
    }
  }

  #handle(id: string, incarnation: number, { kind, meantFor }: Note, { clock, signal }: ActorContext<Note>) {
    const leaf = this.leaf(id);
    leaf.handled += 1;
    if (meantFor !== undefined && meantFor !== incarnation) {
      this.wrong.push(`${id}, incarnation ${incarnation}, was told what was meant for ${meantFor}`);
    }
    if (signal.aborted) this.wrong.push(`${id}, incarnation ${incarnation}, handles a message after its end`);
    if (kind === 'throw') throw new Error(`${id} was told to fail`);
    if (kind === 'hang') return new Promise<void>(() => undefined);
    return kind === 'wait' ? new Promise<void>((resolve) => void clock.after(30, resolve)) : undefined;
  }

  #ask<Reply>(id: string, make: (replyTo: Ref<Reply>) => SupervisorMessage): Promise<Reply> {
    const ref = this.self(id);
    if (ref === undefined) return Promise.reject(new Error(`${id} does not stand`));
    return this.system.ask(ref, make, { withinMs: 600_000 });
  }
}
