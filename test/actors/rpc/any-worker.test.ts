/** Requests about flows and actors of shards that run on another worker than the one that is asked. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { actorAddress, clientRoutingKey, type NodeAct, routingKeyOf } from '../../../src/actors/flow/protocol.ts';
import type { Ref } from '../../../src/actors/kernel/index.ts';
import type { RpcAnswer, RpcMessage } from '../../../src/actors/rpc/index.ts';
import { partitionOf } from '../../../src/actors/shard/index.ts';
import { flow, type Node } from '../../../src/index.ts';
import type { Authority } from '../../../src/ports/index.ts';
import { type TestNode, type TestNodeSettings, testNode } from '../../../src/testing/index.ts';
import { audited } from '../flow/audited.ts';
import { till } from './till.ts';

let kit: TestNode;
afterEach(() => kit.stop());

const shards = 6;
const member = { name: 'A', group: 'default' };

/** Waits for a signal; before that a step fails, as long as it is `broken`. */
function waiting() {
  const broken = new Set<string>();
  const wait = flow('wait', {
    version: 1,
    states: { start: z.object({ id: z.string() }) },
    result: z.string(),
    signals: { go: z.string() },
    queries: { where: ({ stage }) => stage },
    stages: {
      *start({ id }, { step, signal }) {
        const used = yield* step('use', () => {
          if (broken.has(id)) throw new TypeError(`${id} is broken`);
          return 'used';
        });
        return `${used}, ${(yield* signal('go')).body}`;
      },
    },
  });
  return { wait, broken };
}

type Wait = ReturnType<typeof waiting>['wait'];

async function three(settings: Partial<TestNodeSettings> = {}) {
  const { wait, broken } = waiting();
  kit = await testNode({ members: { A: { flows: [wait], actors: [till] } }, shards, workers: 3, ...settings });
  return { wait, broken };
}

async function told<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  await kit.advance('5 s');
  return promise;
}

const ownerOf = (key: string): number => kit.ownerOf(partitionOf(key, shards)) ?? 0;

/** A flow, where its shard runs, and the node of a worker where it does not. */
async function elsewhere(wait: Wait, id = 'it') {
  const { flowId } = await told(kit.node().start('A', wait, { id }, { clientRequestId: id }));
  const owner = ownerOf(routingKeyOf(flowId));
  return { name: { flowId }, owner, node: kit.node((owner + 1) % 3) };
}

function actorElsewhere() {
  const owner = ownerOf(actorAddress(member, 'till', 'cash'));
  return { owner, node: kit.node((owner + 1) % 3) };
}

const acts = async (): Promise<string[]> => (await audited(kit)).entries.map(({ act }) => act);

/** What the shards of a worker say of their requests of other workers. */
function factOf(name: string): number {
  const actors = [0, 1, 2].flatMap((worker) => (kit.isDown(worker) ? [] : kit.node(worker).tree()));
  let sum = 0;
  for (const { children } of actors) {
    for (const { children: inner } of children) for (const { facts } of inner) sum += Number(facts?.[name] ?? 0);
  }
  return sum;
}

describe('RP9 any worker answers for any flow', () => {
  it('describes it, answers its queries and gives it signals', async () => {
    const { wait } = await three();
    const { node, name } = await elsewhere(wait);
    expect(await told(node.describe(name))).toMatchObject({ ...name, waitingOn: { what: 'signal', label: 'go' } });
    expect(await told(node.query(name, 'where'))).toBe('start');
    expect(await told(node.signal(wait, name, 'go', 'gone', { signalId: 's' }))).toEqual({ accepted: true });
    expect(await told(node.settled(name))).toMatchObject({ status: 'COMPLETED', result: 'used, gone' });
    expect(factOf('keptAnswers')).toBe(1);
  });

  it('W8 knows a flow that another one has just started, before anything of it has come here', async () => {
    const { wait } = await three();
    const owner = ownerOf(clientRoutingKey(member, 'it'));
    const node = kit.node((owner + 1) % 3);
    const name = { member: 'A', clientRequestId: 'it' };
    const asked = Promise.all([node.handle(wait, name).view(), node.query(name, 'where')]);
    const starting = kit.node(owner).start('A', wait, { id: 'it' }, { clientRequestId: 'it' });
    const [view, where] = await told(asked);
    expect(view.flowId).toBe((await starting).flowId);
    expect(where).toBe('start');
  });

  it('says of a flow that nobody has started that there is none, after half a second where it would run elsewhere', async () => {
    const { wait } = await three();
    const owner = ownerOf(clientRoutingKey(member, 'it'));
    const answers: string[] = [];
    const asked = [owner, (owner + 1) % 3].map((worker) =>
      kit
        .node(worker)
        .handle(wait, { member: 'A', clientRequestId: 'it' })
        .view()
        .catch(({ code }) => answers.push(`${worker === owner ? 'its own' : 'another'} worker: ${code}`)),
    );
    await kit.advance('499 ms');
    expect(answers).toEqual(['its own worker: WEIR_REQUEST_NOT_FOUND']);
    await kit.advance('1 ms');
    await Promise.all(asked);
    expect(answers[1]).toBe('another worker: WEIR_REQUEST_NOT_FOUND');
  });

  it('answers a start that waits at a shard which hangs and is given to another worker', async () => {
    const { wait } = await three();
    const partition = partitionOf(clientRoutingKey(member, 'it'), shards);
    const owner = kit.ownerOf(partition) ?? 0;
    kit.inject({ type: 'hang', on: `/services/flow/shard-${partition}`, for: '1 min' }, owner);
    await kit.advance(1);
    const starting = kit.node(owner).start('A', wait, { id: 'it' }, { clientRequestId: 'it' });
    const outcome = starting.then(
      ({ flowId }) => flowId,
      (error: unknown) => error,
    );
    const moved = kit.move(partition, (owner + 1) % 3, { rude: true });
    await kit.advance('29 s');
    await moved;
    expect(await outcome).toEqual(expect.any(String));
    expect(kit.ownerOf(partition)).toBe((owner + 1) % 3);
  });

  it('W8 answers a start that its owner has taken in as soon as the next owner has it, and starts it once', async () => {
    let commits: Promise<void> | undefined;
    const { wait } = await three({
      logFaults: { commit: () => (commits === undefined ? 'ok' : { delayMs: 0, held: commits }) },
    });
    const partition = partitionOf(clientRoutingKey(member, 'it'), shards);
    const owner = kit.ownerOf(partition) ?? 0;
    const next = (owner + 1) % 3;
    commits = new Promise(() => undefined);
    const answers: string[] = [];
    const starting = kit.node(owner).start('A', wait, { id: 'it' }, { clientRequestId: 'it' });
    starting.then(
      ({ flowId }) => answers.push(flowId),
      ({ code }) => answers.push(code),
    );
    await kit.advance(1);
    commits = undefined;
    // Its commit is under way, and nobody will hear what becomes of it.
    await kit.move(partition, next, { rude: true });
    await kit.advance('1 s');
    const { flows } = await told(kit.node(next).list());
    expect(answers).toEqual(flows.map(({ flowId }) => flowId));
    expect(answers.length).toBe(1);
    expect(await acts()).toEqual(['start']);
  });

  describe('W4 what the owner has taken in and never heard to be durable', () => {
    /** Asks at the owner of a shard, whose commit is held up until another worker has the shard. */
    async function lost<T>(key: string, held: { commits: Promise<void> | undefined }, ask: (node: Node) => Promise<T>) {
      const partition = partitionOf(key, shards);
      const owner = ownerOf(key);
      held.commits = new Promise(() => undefined);
      const answers: unknown[] = [];
      ask(kit.node(owner)).then(
        (answer) => answers.push(answer),
        ({ code }) => answers.push(code),
      );
      await kit.advance(1);
      held.commits = undefined;
      await kit.move(partition, (owner + 1) % 3, { rude: true });
      await kit.advance('1 s');
      return answers;
    }

    async function held() {
      const commits: { commits: Promise<void> | undefined } = { commits: undefined };
      const logFaults: TestNodeSettings['logFaults'] = {
        commit: () => (commits.commits === undefined ? 'ok' : { delayMs: 0, held: commits.commits }),
      };
      return { commits, ...(await three({ logFaults })) };
    }

    it('a kill is asked for again at the next owner, and answered at once', async () => {
      const { commits, wait } = await held();
      const { name } = await elsewhere(wait);
      const key = routingKeyOf(name.flowId);
      const answers = await lost(key, commits, (node) => node.kill(name, 'no'));
      expect(answers).toMatchObject([{ status: 'KILLED' }]);
      expect(await acts()).toEqual(['start', 'kill', 'end']);
    });

    it('a signal is heard once', async () => {
      const { commits, wait } = await held();
      const { name } = await elsewhere(wait);
      const key = routingKeyOf(name.flowId);
      const answers = await lost(key, commits, (node) => node.signal(wait, name, 'go', 'gone', { signalId: 's' }));
      expect(answers).toEqual([{ accepted: true }]);
      expect(await told(kit.node().settled(name))).toMatchObject({ result: 'used, gone' });
    });

    it('a query and a description are answered', async () => {
      const { commits, wait } = await held();
      const { name } = await elsewhere(wait);
      const key = routingKeyOf(name.flowId);
      expect(await lost(key, commits, (node) => node.query(name, 'where'))).toEqual(['start']);
      expect(await told(kit.node().describe(name))).toMatchObject(name);
    });

    it('an actor is told once', async () => {
      const { commits } = await held();
      const key = actorAddress(member, 'till', 'cash');
      const add = (node: Node): Promise<unknown> => node.ask('A', till, 'cash', 'add', 5);
      expect(await lost(key, commits, add)).toEqual([5]);
      expect(await told(kit.node().ask('A', till, 'cash', 'read', null))).toBe(5);
    });

    it('an act whose commit has arrived is answered as it was, and not done again', async () => {
      let slow = false;
      const { wait } = await three({ logFaults: { commit: () => (slow ? { delayMs: 5 } : 'ok') } });
      const { name, owner } = await elsewhere(wait);
      const partition = partitionOf(routingKeyOf(name.flowId), shards);
      slow = true;
      const killing = kit.node(owner).kill(name, 'no');
      await kit.advance(1);
      slow = false;
      // Its commit is on its way; the shard begins anew when it is there.
      kit.inject({ type: 'crash', on: `/services/flow/shard-${partition}` }, owner);
      await kit.advance('1 s');
      expect(factOf('repeatedAsks')).toBe(1);
      expect(await killing).toMatchObject({ status: 'KILLED' });
      expect(await acts()).toEqual(['start', 'kill', 'end']);
    });

    it('leaves no answer behind that nobody needs', async () => {
      const { wait } = await three();
      const { name, owner } = await elsewhere(wait);
      await told(kit.node(owner).signal(wait, name, 'go', 'gone', { signalId: 's' }));
      await kit.advance('2 min');
      await told(kit.move(partitionOf(routingKeyOf(name.flowId), shards), (owner + 1) % 3));
      expect(factOf('keptAnswers')).toBe(0);
    });
  });

  it('SM17 has an act on the node noted by no second shard while nobody knows what became of it at the first', async () => {
    await three();
    const { system, rpc } = kit.node(0).internals;
    const note: NodeAct = { act: 'drain', subject: 'one', before: { drained: false }, after: { drained: true } };
    const authority: Authority = { principal: { name: 'ada', kind: 'operator' }, reason: 'disk' };
    const drains = async (): Promise<number> => (await acts()).filter((act) => act === 'drain').length;
    const noting = async (): Promise<string> => {
      const make = (replyTo: Ref<RpcAnswer<null>>): RpcMessage => ({ type: 'note', note, authority, replyTo });
      const asked = system.ask<RpcMessage, RpcAnswer<null>>(rpc(), make, { withinMs: 300_000 });
      const answered = asked.then((answer) => (answer.type === 'ok' ? 'noted' : answer.error.code));
      await kit.advance('3 min');
      return answered;
    };
    kit.inject({ type: 'partition', on: 'log', for: '40 s' }, 0);
    expect([await noting(), await drains()]).toEqual(['WEIR_ASK_TIMEOUT', 1]);
    // Whoever is told so tries again, and that is an act of its own.
    expect([await noting(), await drains()]).toEqual(['noted', 2]);
  });

  it('retries, corrects and skips what is STUCK, and shows it as it is then', async () => {
    const { wait, broken } = await three();
    for (const id of ['retried', 'edited', 'skipped']) broken.add(id);
    const [retried, edited, skipped] = [
      await elsewhere(wait, 'retried'),
      await elsewhere(wait, 'edited'),
      await elsewhere(wait, 'skipped'),
    ];
    broken.delete('retried');
    expect(await told(retried.node.retry(retried.name, 'mended'))).toMatchObject({ status: 'RUNNING' });
    expect(await told(edited.node.retryWith(edited.name, { id: 'whole' }, 'mended'))).toMatchObject({
      status: 'RUNNING',
    });
    expect(await told(skipped.node.skip(skipped.name, 'by hand', 'mended'))).toMatchObject({ status: 'RUNNING' });
    await told(skipped.node.signal(wait, skipped.name, 'go', 'gone'));
    expect(await told(skipped.node.settled(skipped.name))).toMatchObject({ result: 'by hand, gone' });
    expect(await told(retried.node.describe(retried.name))).toMatchObject({ waitingOn: { what: 'signal' } });
    expect(await told(edited.node.describe(edited.name))).toMatchObject({ state: { id: 'whole' } });
  });

  it('kills and cancels, and whoever is told so finds it so', async () => {
    const { wait } = await three();
    const killed = await elsewhere(wait, 'killed');
    const cancelled = await elsewhere(wait, 'cancelled');
    expect(await told(killed.node.kill(killed.name, 'no'))).toMatchObject({ status: 'KILLED' });
    expect(await told(cancelled.node.cancel(cancelled.name, 'no'))).toMatchObject({ status: 'KILLED' });
    const { entries } = await audited(kit);
    const kill = entries.find(({ act }) => act === 'kill');
    expect(kill).toMatchObject({ principal: 'local:embedder', principalKind: 'client', reason: 'no' });
  });

  it('asks actors, and acts on whoever is in the hospital', async () => {
    const { wait, broken } = await three();
    const { node } = actorElsewhere();
    expect(await told(node.ask('A', till, 'cash', 'add', 5))).toBe(5);
    expect(await told(node.ask('A', till, 'cash', 'read', null))).toBe(5);
    const ids = ['one', 'two', 'three', 'four'];
    for (const id of ids) broken.add(id);
    for (const id of ids) await elsewhere(wait, id);
    const { cases } = await told(kit.node().hospital());
    expect(cases.map(({ description }) => description?.status)).toEqual(Array(4).fill('STUCK'));
    broken.clear();
    expect(await told(kit.node(1).retryAll({}, 'mended'))).toMatchObject({ done: 4, refused: [] });
  });

  it('hears a refusal as the shard has said it', async () => {
    const { wait } = await three({ authorize: (_principal, action) => action !== 'flow.kill' });
    const { node, name } = await elsewhere(wait);
    await expect(told(node.kill(name, 'no'))).rejects.toMatchObject({
      code: 'WEIR_FORBIDDEN',
      context: { principal: 'local:embedder', action: 'flow.kill' },
    });
    await expect(told(node.retry(name, 'no'))).rejects.toMatchObject({ code: 'WEIR_FLOW_NOT_STUCK' });
    await expect(told(node.query(name, 'which'))).rejects.toMatchObject({ code: 'WEIR_QUERY_UNKNOWN' });
    expect(await acts()).toEqual(['start']);
  });
});

describe('W4 an act of another worker', () => {
  it('is done once when its request arrives twice, and again', async () => {
    const { wait } = await three({
      logFaults: { append: ({ topic }) => (topic === 'flow.events' ? 'lost-ack' : 'ok') },
    });
    const { node, name } = await elsewhere(wait);
    expect(await told(node.signal(wait, name, 'go', 'gone', { signalId: 's' }))).toEqual({ accepted: true });
    const actor = actorElsewhere();
    expect(await told(actor.node.ask('A', till, 'cash', 'add', 5))).toBe(5);
    expect(await told(actor.node.ask('A', till, 'cash', 'add', 5))).toBe(10);
    expect(factOf('repeatedAsks')).toBe(3);
    expect(await acts()).toEqual(['start', 'signal', 'end']);
  });

  it.each(['commit.before', 'commit.after'] as const)(
    'WK2 is done once, and answered, when the owner of its shard dies at %s',
    async (at) => {
      let armed = false;
      await three({
        crashAt: (point) => {
          const strikes = armed && point === at;
          if (strikes) armed = false;
          return strikes;
        },
      });
      const { node, owner } = actorElsewhere();
      armed = true;
      expect(await told(node.ask('A', till, 'cash', 'add', 5))).toBe(5);
      expect(kit.isDown(owner)).toBe(true);
      expect(await told(node.ask('A', till, 'cash', 'read', null))).toBe(5);
      // Durable before the death, its answer was kept; else the next owner has done it.
      expect(factOf('repeatedAsks')).toBe(at === 'commit.after' ? 1 : 0);
    },
  );

  it('goes after its shard, wherever that is moved meanwhile', async () => {
    await three();
    const key = actorAddress(member, 'till', 'cash');
    const { node, owner } = actorElsewhere();
    const asked = Array.from({ length: 10 }, () => node.ask('A', till, 'cash', 'add', 1));
    const moved = kit.move(partitionOf(key, shards), (owner + 2) % 3);
    await told(Promise.all([moved, ...asked]));
    expect(ownerOf(key)).toBe((owner + 2) % 3);
    expect(await told(node.ask('A', till, 'cash', 'read', null))).toBe(10);
  });

  it('is not done any more once nobody waits for it', async () => {
    await three();
    const { node, owner } = actorElsewhere();
    kit.cluster.freeze(`worker-${owner}`);
    const asked = node.ask('A', till, 'cash', 'add', 5);
    asked.catch(() => undefined);
    await kit.advance('40 s');
    await expect(asked).rejects.toMatchObject({ code: 'WEIR_ASK_TIMEOUT' });
    kit.cluster.thaw(`worker-${owner}`);
    expect(await told(node.ask('A', till, 'cash', 'read', null))).toBe(0);
    expect(factOf('expiredAsks')).toBeGreaterThan(0);
  });

  it('W7 leaves nothing behind after its window, over a restart too', async () => {
    await three();
    const { node, owner } = actorElsewhere();
    for (let n = 0; n < 3; n++) await told(node.ask('A', till, 'cash', 'add', 1));
    expect(factOf('keptAnswers')).toBe(3);
    kit.crash(owner);
    await kit.advance('1 s');
    expect(factOf('keptAnswers')).toBe(3);
    await kit.advance('2 min');
    expect(factOf('keptAnswers')).toBe(0);
    const partition = partitionOf(actorAddress(member, 'till', 'cash'), shards);
    for (const worker of [0, 1, 2]) if (!kit.isDown(worker)) kit.crash(worker);
    const keys: string[] = [];
    const read = async (): Promise<void> => {
      const claim = await kit.cluster.worker('reader').claim({ topic: 'flow.state', partition });
      for await (const chunk of claim.restore()) keys.push(...chunk.map(({ key }) => key.slice(0, 2)));
    };
    await told(read());
    expect(keys).toContain('c/');
    expect(keys).not.toContain('q/');
  });
});
