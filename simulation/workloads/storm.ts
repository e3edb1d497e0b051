/**
 * Start storms: several clients start the same request id at several workers at once, some of them with another body,
 * and the id is used again when its window is over.
 */
import { flow } from 'weir';
import { flowsOf, type Invariant, type World } from 'weir/testing';
import { z } from 'zod';
import { pause, until } from '../time.ts';
import { workload } from '../workload.ts';

const act = z.object({
  member: z.string(),
  id: z.string(),
  /** For each window of the id: what its clients, who all come at once, ask for. */
  windows: z.array(z.array(z.int())),
});

type Act = z.output<typeof act>;

const once = flow('storm.once', {
  version: 1,
  result: z.int(),
  states: { start: z.object({ body: z.int() }) },
  stages: {
    *start({ body }, { step }) {
      return yield* step('echo', () => body);
    },
  },
});

export const storm = workload({
  name: 'storm',
  act,
  draw(draw, { members, flows, withinMs }) {
    const bursts = draw.several(Math.ceil(flows / 4), (index) => {
      const windows = draw.several(draw.whole(1, 2), (window) => {
        const body = 10 * index + window + 1;
        return draw.several(draw.whole(1, 6), () => (draw.odds(0.2) ? -body : body));
      });
      return { at: draw.whole(0, withinMs), what: { member: draw.pick(members), id: `storm-${index}`, windows } };
    });
    return bursts;
  },
  prepare() {
    const book = new Book();
    return {
      flows: () => [once],
      actors: [],
      perform: (burst, world) => eachWindow(burst, world, book),
      describe: ({ member, id, windows }) =>
        `${id} of ${member}: ${windows.map((bodies) => bodies.join()).join(' | ')}`,
      invariants: [oneFlowPerWindow(book)],
    };
  },
});

/** No fault keeps a worker from hearing for longer. */
const untilAllHaveHeardMs = 30_000;

/** Which request ids are remembered by their shards, and what clients found to be wrong. */
class Book {
  readonly found: string[] = [];
  readonly #flows = new Map<string, string>();
  readonly #names = new Map<string, string>();

  open(name: string): boolean {
    return this.#flows.has(name);
  }

  /** The flow that a name has stood for until now, when that is another one. */
  remember(name: string, flowId: string): string | undefined {
    const known = this.#flows.get(name);
    this.#flows.set(name, flowId);
    this.#names.set(flowId, name);
    return known === flowId ? undefined : known;
  }

  forget(flowId: string): void {
    const name = this.#names.get(flowId);
    if (name !== undefined && this.#flows.get(name) === flowId) this.#flows.delete(name);
  }
}

async function eachWindow({ member, id, windows }: Act, world: World, book: Book): Promise<void> {
  const { clients } = world;
  const { found } = book;
  const name = `${member}/${id}`;
  let former: string | undefined;
  for (const bodies of windows) {
    const answers = await Promise.all(
      bodies.map(async (body) => ({ body, answer: await clients.start(member, once, { body }, name) })),
    );
    const told = answers.flatMap(({ body, answer }) => (answer === undefined ? [] : [{ body, flowId: answer.flowId }]));
    const [first] = told;
    if (first === undefined) {
      found.push(`${name}: everybody was refused`);
      return;
    }
    const { body, flowId } = first;
    if (told.some((one) => one.flowId !== flowId)) found.push(`${name}: clients were told of several flows`);
    if (told.some((one) => one.body !== body)) found.push(`${name}: two bodies were accepted as ${flowId}`);
    if (flowId === former) found.push(`${name}: the flow of the window before, ${flowId}, was given again`);
    const refused = answers.filter(({ answer }) => answer === undefined);
    if (refused.some((one) => one.body === body)) found.push(`${name}: its own body was refused`);
    const { result } = await until(world, async () => {
      const view = await clients.view(member, name);
      return view?.flowId === flowId && view.status !== 'RUNNING' ? view : undefined;
    });
    if (result !== body) found.push(`${name}: asked for ${body}, ${flowId} gave ${String(result)}`);
    former = flowId;
    // The window is over when its shard has forgotten the id, and the last worker has heard of that.
    await until(world, async () => (book.open(name) ? undefined : true));
    await pause(world, untilAllHaveHeardMs);
  }
}

/** One flow for each request id as long as it is remembered, whatever clients and workers do. */
function oneFlowPerWindow(book: Book): Invariant {
  return {
    name: 'one flow per id and window',
    event(event, violate) {
      const [first] = book.found;
      if (first !== undefined) return violate(first);
      if (event.type !== 'applied') return;
      for (const { key, value } of event.batch.records) {
        if (value === null && key.startsWith('c/')) book.forget(key.slice(2));
      }
      for (const { flow: definition, flowId, clientRequestId } of flowsOf(event)) {
        if (definition !== once.name) continue;
        const known = book.remember(clientRequestId, flowId);
        if (known !== undefined) violate(`${clientRequestId} has started ${known} and ${flowId}`);
      }
    },
  };
}
