/**
 * Start storms: several clients start the same request id at several workers at once, some of them with another body,
 * and the id is used again when its window is over.
 */
import { flow } from 'weir';
import { flowsOf, type Invariant, type World } from 'weir/testing';
import { z } from 'zod';
import { until } from '../time.ts';
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
    const found: string[] = [];
    return {
      flows: () => [once],
      actors: [],
      perform: (burst, world) => eachWindow(burst, world, found),
      describe: ({ member, id, windows }) =>
        `${id} of ${member}: ${windows.map((bodies) => bodies.join()).join(' | ')}`,
      invariants: [oneFlowPerWindow(found)],
    };
  },
});

async function eachWindow({ member, id, windows }: Act, world: World, found: string[]): Promise<void> {
  const { clients } = world;
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
    // The window is over when nobody knows the id any more.
    await until(world, async () => ((await clients.view(member, name)) === undefined ? true : undefined));
  }
}

/** One flow for each request id as long as it is remembered, whatever clients and workers do. */
function oneFlowPerWindow(found: readonly string[]): Invariant {
  const remembered = new Map<string, string>();
  const names = new Map<string, string>();
  return {
    name: 'one flow per id and window',
    event(event, violate) {
      const [first] = found;
      if (first !== undefined) return violate(first);
      if (event.type !== 'applied') return;
      for (const { key, value } of event.batch.records) {
        const flowId = key.slice(2);
        const name = key.startsWith('c/') && value === null ? names.get(flowId) : undefined;
        if (name !== undefined && remembered.get(name) === flowId) remembered.delete(name);
      }
      for (const { flow: definition, flowId, memberName, clientRequestId } of flowsOf(event)) {
        if (definition !== once.name) continue;
        const name = `${memberName} ${clientRequestId}`;
        const known = remembered.get(name);
        if (known !== undefined && known !== flowId) violate(`${clientRequestId} has started ${known} and ${flowId}`);
        remembered.set(name, flowId);
        names.set(flowId, name);
      }
    },
  };
}
