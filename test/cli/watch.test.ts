import { describe, expect, it } from 'vitest';
import { type Followed, followed, nodeFolder, silentUrl, type Up, up, weir } from './support.ts';

const watch = (url: string, ...args: string[]): Followed => followed(['flow', 'watch', ...args, '--url', url]);

const startOf = (request: string, flow: string, input: unknown): string[] => [
  ...['flow', 'start', 'ACME', flow, '--request-id', request, '--input', JSON.stringify(input)],
];

/** Starts a flow that gets STUCK, and gives its id. */
async function stuckFlow(node: Up, request: string): Promise<string> {
  const { out } = await node.weir(...startOf(request, 'broken', {}), '--wait', '30s', '--json');
  return JSON.parse(out).flowId;
}

const skip = (node: Up, flowId: string) =>
  node.weir('flow', 'skip', flowId, '--reason', 'done by hand', '--result', '"by hand"');

describe('weir flow watch', () => {
  it('RP4 follows one flow until it has ended, which is its exit code', async () => {
    const node = await up(await nodeFolder());
    const stuck = await stuckFlow(node, 'stuck');
    const done = watch(node.url, '--member', 'ACME', '--request', 'stuck');
    await done.told(/STUCK +start +TypeError: the part is missing\n/);
    await skip(node, stuck);
    const { code, out } = await done.ended;
    expect(code).toBe(0);
    expect(out).toMatch(/ COMPLETED +start\n\nflow +broken .*\n/s);
    expect(out).toMatch(/^result +"by hand"$/m);

    const declined = await node.weir(...startOf('no', 'decline', { why: 'too dear' }), '--wait', '30s', '--json');
    const { flowId } = JSON.parse(declined.out);
    const failed = await watch(node.url, flowId, '--json').ended;
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.out)).toMatchObject({ flowId, status: 'FAILED', error: { code: 'declined' } });
  });

  it('RP4 follows many flows until Ctrl-C', async () => {
    const node = await up(await nodeFolder());
    await node.weir(...startOf('before', 'double', { n: 1 }), '--wait', '30s');
    const changes = watch(node.url, '--flow', 'double');
    const all = watch(node.url, '--all', '--json');
    await all.told('"clientRequestId":"before"');
    await node.weir(...startOf('after', 'double', { n: 1 }), '--wait', '30s');
    await node.weir(...startOf('other', 'decline', { why: 'no' }), '--wait', '30s');
    await all.told(/"clientRequestId":"other".*"FAILED"/);
    await changes.told(/double {2}ACME {2}COMPLETED {2}start\n/);
    changes.child.kill('SIGINT');
    const { code, out, error } = await changes.ended;
    expect([code, error]).toEqual([0, '']);
    expect(out).not.toContain('decline');
    all.child.kill('SIGTERM');
    const lines = (await all.ended).out.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).clientRequestId)).toContain('after');
  });

  it('RP4 ends as unfinished when it is told to before its flow has', async () => {
    const node = await up(await nodeFolder());
    await node.weir(...startOf('nap', 'nap', { for: '1 hour' }));
    const one = watch(node.url, '--member', 'ACME', '--request', 'nap');
    await one.told('RUNNING');
    one.child.kill('SIGINT');
    expect((await one.ended).code).toBe(4);
  });

  it('RP4 hears how a flow ended from a node that was killed meanwhile and came back', async () => {
    const directory = await nodeFolder();
    const first = await up(directory);
    const { port } = new URL(first.url);
    const flowId = await stuckFlow(first, 'stuck');
    const one = watch(first.url, flowId);
    const all = watch(first.url);
    await one.told('STUCK');
    await first.weir(...startOf('before', 'double', { n: 1 }), '--wait', '30s');
    await all.told('COMPLETED');
    first.child.kill('SIGKILL');
    await Promise.all([one.noted('the connection is lost'), all.noted('the connection is lost')]);
    // The flow ends where they do not look.
    const elsewhere = await up(directory);
    await skip(elsewhere, flowId);
    elsewhere.child.kill('SIGKILL');
    await elsewhere.ended;
    await up(directory, '--port', port);
    const { code, out } = await one.ended;
    expect(code).toBe(0);
    expect(out).toMatch(/^result +"by hand"$/m);
    await all.told(/broken {2}ACME {2}COMPLETED/);
    all.child.kill('SIGINT');
    expect((await all.ended).code).toBe(0);
  });

  it.each([
    [['--request', 'r'], '--request needs --member'],
    [['an-id', '--status', 'STUCK'], 'a flow id names one flow'],
    [['--member', 'ACME', '--request', 'r', '--all'], '--request names one flow'],
    [['--group', 'test'], '--group needs --member'],
    [['--status', 'FINE'], 'It is one of RUNNING'],
  ])('refuses %j', async (args, why) => {
    const { code, error } = await weir(['flow', 'watch', ...args]);
    expect(code).toBe(2);
    expect(error).toContain(why);
  });

  it('says why there is nothing to follow', async () => {
    const nobody = await weir(['flow', 'watch', '--url', await silentUrl()]);
    expect([nobody.code, nobody.error]).toEqual([3, expect.stringContaining('WEIR_NODE_UNREACHABLE')]);
    const node = await up(await nodeFolder());
    const unknown = await node.weir('flow', 'watch', 'none', '--json');
    expect([unknown.code, JSON.parse(unknown.error).error.code]).toEqual([1, 'WEIR_FLOW_NOT_FOUND']);
    const member = await node.weir('flow', 'watch', '--member', 'NOBODY');
    expect([member.code, member.error]).toEqual([1, expect.stringContaining('WEIR_MEMBER_UNKNOWN')]);
  });
});
