/** A node that is started with another configuration says so in its audit, before anything is done with it. */
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type AuditEntry,
  flow,
  type StartedNode,
  type StartNodeSettings,
  silentLogger,
  startNode,
} from '../../src/index.ts';
import { decodeValue } from '../../src/persistence/index.ts';
import { verified } from '../actors/flow/audited.ts';
import { temporaryDirectory } from '../transport/log/support/directory.ts';

const closing: Array<() => Promise<void>> = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const noteV = (version: number) =>
  flow('note', {
    version,
    states: { start: z.string() },
    result: z.string(),
    stages: {
      *start(text, { step }) {
        return yield* step('write', () => text);
      },
    },
  });

const entriesOf = (node: StartedNode): Promise<readonly AuditEntry[]> => verified(node, (promise) => promise);

describe('the configuration of a node', () => {
  it('SM17 is audited where it has changed: who, why, before and after, ahead of all that is done with it', async () => {
    const { path: data, remove } = await temporaryDirectory();
    closing.push(remove);
    const run = async (settings: Partial<StartNodeSettings>): Promise<StartedNode> => {
      const common = { members: { A: { flows: [noteV(1)] } }, data, shards: 2, logger: silentLogger };
      const node = await startNode({ ...common, ...settings });
      closing.push(() => node.stop());
      return node;
    };
    const first = await run({});
    await (await first.start('A', noteV(1), 'one', { clientRequestId: '1' })).result();
    expect((await entriesOf(first)).map(({ act }) => act)).toEqual(['start', 'end']);
    await first.stop();
    // The same again says nothing.
    await (await run({})).stop();

    const startedBy = { principal: { name: 'ada', kind: 'operator' }, reason: 'longer windows' } as const;
    const second = await run({ retention: '2 days', members: { A: { flows: [noteV(2)] } }, startedBy });
    for (const id of ['2', '3', '4', '5'])
      await (await second.start('A', noteV(2), id, { clientRequestId: id })).result();
    const entries = await entriesOf(second);
    const told = entries.filter(({ act }) => act === 'configure');
    expect(told.map(({ chain }) => chain).sort()).toEqual([0, 1]);
    const [entry] = told;
    expect(entry).toMatchObject({
      ...{ principal: 'ada', principalKind: 'operator', reason: 'longer windows', flowId: '', subject: '' },
    });
    const day = 24 * 60 * 60 * 1_000;
    expect(decodeValue(entry?.before?.value ?? new Uint8Array())).toMatchObject({
      windows: { retention: day },
      members: [{ name: 'A', group: 'default', flows: { note: 1 }, actors: {} }],
    });
    expect(decodeValue(entry?.after?.value ?? new Uint8Array())).toMatchObject({
      windows: { retention: 2 * day },
      members: [{ name: 'A', group: 'default', flows: { note: 2 }, actors: {} }],
    });
    // In each chain it stands before what was done with it.
    for (const chain of [0, 1]) {
      const own = entries.filter((one) => one.chain === chain);
      const place = own.findIndex(({ act }) => act === 'configure');
      expect(own.slice(0, place).every(({ version }) => version === 1)).toBe(true);
      expect(own.slice(place + 1).every(({ version }) => version === 2)).toBe(true);
      expect(own.length).toBeGreaterThan(place + 1);
    }
    const page = await second.audit({ act: 'configure', principal: 'ada' });
    expect(page.entries).toHaveLength(2);
    await second.stop();

    const third = await run({ retention: '3 days' });
    const newest = async () => (await third.audit({ act: 'configure' })).entries[0];
    await expect.poll(newest).toMatchObject({
      principal: expect.stringMatching(/^local:\S+$/),
      reason: 'the node was started with it',
    });
  });
});
