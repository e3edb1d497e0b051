import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type StartNodeSettings, silentLogger, startNode } from '../../src/index.ts';
import { testNode } from '../../src/testing/index.ts';
import { double } from '../fixtures/flows.ts';

async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'weir-settings-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

const members = { ACME: { flows: [double] } };
const settings = (more: object): StartNodeSettings =>
  // What a program without types may say.
  ({ members, data: './never-made', logger: silentLogger, ...more }) as StartNodeSettings;

describe('settings of a node', () => {
  it.each<[string, object, string, RegExp]>([
    ['no members', { members: undefined }, 'members', /name the members/],
    ['an empty record of members', { members: {} }, 'members', /at least one member/],
    ['an empty list of members', { members: [] }, 'members', /at least one member/],
    ['a member of a list without group', { members: [{ name: 'A' }] }, 'members[0].group', /./],
    ['a member without a name', { members: { '': {} } }, 'members.', /./],
    ['an import that is not there', { members: { A: { flows: [undefined] } } }, 'members.A.flows[0]', /undefined, not/],
    ['a module for a flow', { members: { A: { flows: [{ double }] } } }, 'members.A.flows[0]', /another object, not/],
    ['a flow for an actor', { members: { A: { actors: [double] } } }, 'members.A.actors[0]', /persistentActor\(\)/],
    ['a flow of all that is none', { flows: ['double'] }, 'flows[0]', /a string, not a flow/],
    ['no data', { data: undefined }, 'data', /name a directory/],
    ['empty data', { data: '' }, 'data', /name a directory/],
    ['no shards', { shards: 0 }, 'shards', /whole number from 1 to 1024/],
    ['half a shard', { shards: 1.5 }, 'shards', /whole number from 1 to 1024/],
    ['a retention that is none', { retention: 'soon' }, 'retention', /"soon" is not a duration/],
    ['a retention without unit', { retention: '10' }, 'retention', /such as "10s"/],
    ['no room for flows', { maxHotFlows: 0 }, 'maxHotFlows', /./],
    ['an authorize that cannot be asked', { authorize: true }, 'authorize', /function/],
  ])('CF1 refuses %s, with its path', async (_what, more, path, why) => {
    const data = join(await temporary(), 'data');
    await expect(startNode(settings({ data, ...more }))).rejects.toMatchObject({
      code: 'WEIR_CONFIGURATION_INVALID',
      context: { path, why: expect.stringMatching(why) },
    });
  });

  it('W4 CF1 refuses times that do not fit each other, before it makes anything', async () => {
    const data = join(await temporary(), 'data');
    await expect(startNode(settings({ data, retention: '1 hour', redeliver: '1 day' }))).rejects.toMatchObject({
      code: 'WEIR_CONFIGURATION_WINDOWS',
      remedy: 'lengthen retention, or shorten redeliver; nothing was started',
    });
    expect(existsSync(data)).toBe(false);
  });

  it('CF1 names every mistake', async () => {
    await expect(startNode(settings({ shards: -1, retention: 'soon' }))).rejects.toMatchObject({
      message: expect.stringMatching(/at shards: .*; at retention: /),
    });
  });

  it('CF1 a test node is told the same', async () => {
    await expect(testNode({ members: {} })).rejects.toMatchObject({ code: 'WEIR_CONFIGURATION_INVALID' });
  });

  it('takes members as a list, where one name stands in two groups', async () => {
    const list = ['one', 'two'].map((group) => ({ name: 'ACME', group, flows: [double] }));
    const node = await startNode(settings({ data: await temporary(), members: list }));
    onTestFinished(() => node.stop());
    expect(node.members).toEqual(list.map(({ name, group }) => ({ name, group })));
  });
});

describe('the data directory', () => {
  it.each([
    ['is a file', 'file', 'it is a file'],
    ['is beneath a file', 'file/data', 'a part of its path is a file'],
  ])('CF1 that %s is refused, with the cause', async (_what, place, why) => {
    const directory = await temporary();
    await writeFile(join(directory, 'file'), '');
    await expect(startNode(settings({ data: join(directory, place) }))).rejects.toMatchObject({
      code: 'WEIR_LOG_DIRECTORY',
      context: { why },
      cause: expect.any(Error),
      remedy: expect.stringContaining('nothing was started'),
    });
  });

  it('keeps its number of shards: another one is refused, none means the same', async () => {
    const data = await temporary();
    const first = await startNode(settings({ data, shards: 4 }));
    await first.stop();
    await expect(startNode(settings({ data, shards: 8 }))).rejects.toMatchObject({
      code: 'WEIR_CONFIGURATION_INVALID',
      message: expect.stringContaining('at shards: shards is 8, and the data was made with 4'),
    });
    const again = await startNode(settings({ data }));
    onTestFinished(() => again.stop());
    expect(again.status().shards).toHaveLength(4);
  });
});
