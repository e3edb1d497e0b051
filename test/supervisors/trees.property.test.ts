/** Random trees under random acts in virtual time: against a model, and against what must hold at any moment. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cause, Ref } from '../../src/actors/kernel/index.ts';
import { propertyRuns } from '../fixtures/property-runs.ts';
import { TreeModel } from './tree-model.ts';
import { anyTree, isSupervisor, type LeafNode, type Note, nodesOf, Stage, type SupervisorNode } from './trees.ts';

type Deed =
  | { readonly type: 'fail' | 'throw' | 'finish' | 'stop' | 'terminate' | 'restart' | 'work'; readonly at: number }
  | { readonly type: 'add'; readonly at: number; readonly leaf: Omit<LeafNode, 'id'> };

const restart = fc.constantFrom<LeafNode['restart']>('permanent', 'transient', 'temporary');
const place = fc.nat(30);

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('fail' as const, 'throw' as const), at: place }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom(
        'finish' as const,
        'stop' as const,
        'terminate' as const,
        'restart' as const,
        'work' as const,
      ),
      at: place,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('add' as const),
      at: place,
      leaf: fc.record({ restart, significant: fc.constant(false) }),
    }),
  },
);

/** A tree and what happens to it; ids of what is added follow those of the tree. */
class Play {
  readonly tree: SupervisorNode;
  readonly stage: Stage;
  readonly model: TreeModel;
  readonly nodes: ReturnType<typeof nodesOf>;
  readonly #supervisors: readonly SupervisorNode[];

  constructor(tree: SupervisorNode) {
    this.tree = tree;
    this.stage = new Stage(tree);
    this.model = new TreeModel(tree);
    this.nodes = nodesOf(tree);
    this.#supervisors = [tree, ...this.nodes.map(({ node }) => node).filter(isSupervisor)];
  }

  async rest(): Promise<void> {
    await this.stage.clock.advance('10 s');
  }

  do(what: Deed): void {
    const { stage, model } = this;
    if (what.type === 'add') {
      const under = this.#supervisors[what.at % this.#supervisors.length];
      if (under === undefined || !stage.stands(under.id)) return;
      const leaf = { ...what.leaf, id: `n${this.nodes.length + 1}` };
      this.nodes.push({ node: leaf, under });
      stage.act(under.id, { type: 'start-child', child: stage.childOf(leaf, under) });
      model.added(under.id, leaf);
      return;
    }
    const { node, under } = this.nodes[what.at % this.nodes.length] ?? expect.unreachable();
    const { id } = node;
    const path = this.pathOf(id);
    switch (what.type) {
      case 'work':
        if (!isSupervisor(node)) stage.tell(id, 'work', -1);
        return;
      case 'fail':
        if (path !== undefined) stage.system.steer.crash(path, new Error('a defect'));
        model.fails(id);
        return;
      case 'throw':
        if (isSupervisor(node)) return;
        stage.tell(id, 'throw', -1);
        model.fails(id);
        return;
      case 'finish':
        if (isSupervisor(node)) return;
        if (stage.leaf(id).runs) stage.leaf(id).context?.finish();
        model.finishes(id);
        return;
      case 'stop':
        if (path !== undefined) void stage.system.steer.stop(path);
        model.finishes(id);
        return;
      case 'terminate':
        stage.act(under.id, { type: 'terminate-child', id });
        model.terminated(id);
        return;
      case 'restart':
        stage.disordered.add(under.id);
        stage.act(under.id, { type: 'restart-child', id });
        model.restarted(id);
        return;
    }
  }

  pathOf(id: string): string | undefined {
    const above = this.nodes.find(({ node }) => node.id === id)?.under;
    if (above === undefined) return `/${this.tree.id}`;
    return `${this.pathOf(above.id)}/${id}`;
  }

  /** What the stage shows, in the words of the model. */
  async shown(): Promise<Record<string, string>> {
    const standing = this.#supervisors.filter(({ id }) => this.stage.stands(id));
    const asked = standing.map(async ({ id }) => {
      const children = await this.stage.status(id);
      return [id, children.map((child) => `${child.id}:${child.state}:${child.restarts}`).join(' ')] as const;
    });
    await this.stage.clock.advance(0);
    return Object.fromEntries(await Promise.all(asked));
  }

  expected(): Record<string, string> {
    return Object.fromEntries(
      [...this.model.standing()].map(([id, supervisor]) => [id, this.model.statusOf(supervisor)]),
    );
  }

  starts(): Record<string, number> {
    const started = [...this.stage.leaves].filter(([, { starts }]) => starts > 0);
    return Object.fromEntries(started.map(([id, { starts }]) => [id, starts]));
  }
}

function balance({ system }: Stage): readonly [number, number] {
  const { accepted, handled, deadLettered, queued } = system.counts();
  return [accepted, handled + deadLettered + queued];
}

async function againstTheModel(tree: SupervisorNode, deeds: readonly Deed[]): Promise<void> {
  const play = new Play(tree);
  await play.rest();
  for (const each of [undefined, ...deeds]) {
    if (each !== undefined) play.do(each);
    await play.rest();
    expect(await play.shown()).toEqual(play.expected());
    expect(play.starts()).toEqual(Object.fromEntries(play.model.starts));
    expect(play.stage.wrong).toEqual([]);
    const [all, accounted] = balance(play.stage);
    expect(accounted).toBe(all);
  }
}

type Trouble =
  | { readonly type: 'deed'; readonly deed: Deed }
  | { readonly type: 'tell'; readonly at: number; readonly kind: Note['kind']; readonly incarnation: number }
  | { readonly type: 'next-start'; readonly at: number; readonly how: 'throws' | 'hangs' }
  | { readonly type: 'next-end-hangs' | 'suspend' | 'resume' | 'watch'; readonly at: number }
  | { readonly type: 'pass'; readonly ms: number };

const trouble: fc.Arbitrary<Trouble> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('deed' as const), deed }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('tell' as const),
      at: place,
      kind: fc.constantFrom('work' as const, 'wait' as const, 'throw' as const, 'hang' as const),
      incarnation: fc.integer({ min: -1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('next-start' as const),
      at: place,
      how: fc.constantFrom('throws' as const, 'hangs' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constantFrom(
        'next-end-hangs' as const,
        'suspend' as const,
        'resume' as const,
        'watch' as const,
        'watch' as const,
      ),
      at: place,
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.nat(700) }) },
);

/** An actor that watches, and counts for each address how often it was to hear of its end and has. */
class Watcher {
  readonly due = new Map<Ref<never>, number>();
  readonly heard = new Map<Ref<never>, number>();
  readonly causes: Cause[] = [];
  readonly #ref: Ref<Ref<never>>;

  constructor({ system }: Stage) {
    this.#ref = system.spawn<Ref<never>>('watcher', (context) => ({
      message: (ref) => {
        // A second watch of what is watched already is the same watch.
        if (count(this.due, ref) > count(this.heard, ref)) return;
        this.due.set(ref, count(this.due, ref) + 1);
        context.watch(ref);
      },
      signal: ({ ref, cause }) => {
        this.heard.set(ref, count(this.heard, ref) + 1);
        this.causes.push(cause);
      },
    }));
  }

  watch(ref: Ref<never> | undefined): void {
    if (ref !== undefined) this.#ref.tell(ref);
  }
}

function count(of: ReadonlyMap<Ref<never>, number>, ref: Ref<never>): number {
  return of.get(ref) ?? 0;
}

function cause(play: Play, watcher: Watcher, what: Exclude<Trouble, { readonly type: 'pass' }>): void {
  const { stage, nodes } = play;
  if (what.type === 'deed') {
    play.do(what.deed);
    return;
  }
  const { node } = nodes[what.at % nodes.length] ?? expect.unreachable();
  const { id } = node;
  const path = play.pathOf(id) ?? '';
  const leaf = isSupervisor(node) ? undefined : stage.leaf(id);
  switch (what.type) {
    case 'tell':
      if (leaf !== undefined) stage.tell(id, what.kind, what.incarnation);
      return;
    case 'next-start':
      leaf?.script.push(what.how);
      return;
    case 'next-end-hangs':
      if (leaf !== undefined) leaf.hangingEnds += 1;
      return;
    case 'suspend':
      stage.system.steer.suspend(path);
      return;
    case 'resume':
      stage.system.steer.resume(path);
      return;
    case 'watch':
      watcher.watch(leaf === undefined ? stage.self(id) : leaf.selves.at(-1));
      return;
  }
}

async function inAStorm(tree: SupervisorNode, troubles: readonly Trouble[]): Promise<void> {
  const play = new Play(tree);
  const { stage, nodes } = play;
  const { clock, system } = stage;
  const watcher = new Watcher(stage);
  await clock.advance(0);
  for (const each of troubles) {
    if (each.type === 'pass') await clock.advance(each.ms);
    else cause(play, watcher, each);
    const [all, accounted] = balance(stage);
    expect(accounted).toBe(all);
    expect(stage.wrong).toEqual([]);
  }
  for (const { node } of nodes) system.steer.resume(play.pathOf(node.id) ?? '');
  await clock.advance('10 min');
  for (const status of Object.values(await play.shown())) {
    // Nothing is on its way any more: whoever waits, waits for what only an operator brings back.
    expect(status).not.toMatch(/starting|backoff|stopping/);
  }
  await Promise.all([system.stop(stage.top), clock.advance('10 min')]);
  expect(watcher.heard).toEqual(watcher.due);
  for (const { type } of watcher.causes) expect(type).toMatch(/stopped|failed|finished|abandoned/);
  await Promise.all([system.terminate(), clock.advance('10 min')]);
  expect(stage.wrong).toEqual([]);
  expect(system.tree()).toEqual([]);
  expect([...stage.leaves].filter(([, leaf]) => leaf.runs)).toEqual([]);
  const counts = system.counts();
  expect(counts.queued).toBe(0);
  expect(counts.handled + counts.deadLettered).toBe(counts.accepted);
}

const one: Pick<SupervisorNode, 'restart' | 'significant' | 'strategy' | 'autoShutdown'> = {
  restart: 'permanent',
  significant: false,
  strategy: 'one-for-one',
  autoShutdown: 'never',
};

/** What has been found, shrunk. */
const found: [SupervisorNode, Trouble[]][] = [
  // Seed 1368677988: a message that was told to an incarnation alone waited when that failed, and reached the next one.
  [
    { id: 'n0', ...one, max: 1, children: [{ id: 'n1', restart: 'permanent', significant: false }] },
    [
      { type: 'pass', ms: 0 },
      { type: 'tell', at: 0, kind: 'work', incarnation: 0 },
      { type: 'deed', deed: { type: 'fail', at: 0 } },
    ],
  ],
  // Seed -1436994870: while a supervisor waited for a child that hung as it stopped, another one came back from its backoff.
  [
    {
      ...{ id: 'n0', ...one, max: 0 },
      children: [
        {
          ...{ id: 'n1', ...one, max: 1 },
          children: [
            { id: 'n2', restart: 'permanent', significant: false },
            { id: 'n3', restart: 'permanent', significant: false },
          ],
        },
        { id: 'n4', restart: 'permanent', significant: true },
      ],
    },
    [
      { type: 'next-start', at: 2, how: 'hangs' },
      { type: 'pass', ms: 0 },
      { type: 'deed', deed: { type: 'fail', at: 1 } },
      { type: 'tell', at: 3, kind: 'throw', incarnation: 0 },
    ],
  ],
];

describe('trees of supervisors', () => {
  it('AK5 after each act, once all is quiet, every child is what the model says', async () => {
    const property = fc.asyncProperty(anyTree, fc.array(deed, { maxLength: 25, size: 'max' }), againstTheModel);
    await fc.assert(property, { numRuns: propertyRuns(200) });
  });

  it('AK15 AK4 AK7 in a storm no message is lost, none reaches another incarnation, and every watch is told once', async () => {
    const property = fc.asyncProperty(anyTree, fc.array(trouble, { maxLength: 60, size: 'max' }), inAStorm);
    await fc.assert(property, { numRuns: propertyRuns(200), examples: found });
  });
});
