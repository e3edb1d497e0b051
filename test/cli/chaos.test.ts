import { describe, expect, it } from 'vitest';
import { faultWords } from '../../src/testing/index.ts';
import { nodeFolder, silentUrl, up, weir } from './support.ts';

const because = ['--reason', 'a test'];

/** The status of a flow that was started and waited for. */
async function double(url: string, clientRequestId: string): Promise<unknown> {
  const response = await fetch(`${url}/api/v1/members/ACME/flows?wait=30s`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ clientRequestId, flow: 'double', input: { n: 2 } }),
  });
  const answer: unknown = await response.json();
  return typeof answer === 'object' && answer !== null && 'status' in answer ? answer.status : answer;
}

describe('weir chaos', () => {
  it('TK3 injects, lists and clears faults of a running node', async () => {
    const node = await up(await nodeFolder('chaos: { allow: true }\n', 'warn'));
    expect(await node.weir('chaos', 'lost-ack', 'shard', '1', '--times', '2', ...because)).toEqual({
      code: 0,
      out: '1  the acknowledgement of a write to shard 1 is lost, 2 times at most\n',
      error: '',
    });
    const slow = await node.weir('chaos', 'slow', '--by', '5ms', '--for', '1min', ...because, '--json');
    expect(JSON.parse(slow.out)).toMatchObject({ id: 2, fault: { type: 'slow', by: '5ms', for: '1min' }, struck: 0 });
    // The write of one of the two shards that run a flow loses its acknowledgement; the flow does not notice.
    const ends = await Promise.all(['a', 'b', 'c', 'd'].map((id) => double(node.url, id)));
    expect(ends).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED', 'COMPLETED']);
    const [list, json] = await Promise.all([node.weir('chaos', 'list'), node.weir('chaos', 'list', '--json')]);
    expect(list.out).toMatch(/^ID +SINCE \(UTC\) +UNTIL \(UTC\) +STRUCK +LEFT +FAULT$/m);
    expect(list.out).toMatch(/^2 .* a write to the log takes 5 ms longer, for 60 s$/m);
    const { struck } = JSON.parse(json.out);
    expect(struck).toMatchObject({ 'lost-ack': 2, crash: 0 });
    expect(struck.slow).toBeGreaterThan(0);
    expect((await node.weir('chaos', 'clear', '--id', '2', ...because)).out).toBe(
      'ended: a write to the log takes 5 ms longer, for 60 s\n',
    );
    expect((await node.weir('chaos', 'clear', ...because)).out).toBe('No fault struck.\n');
    node.child.kill('SIGTERM');
    const { error } = await node.ended;
    const lines = error
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ level: 40, msg: expect.stringContaining('failure injection is allowed') });
    expect(lines).toContainEqual(
      expect.objectContaining({
        msg: 'a fault is injected',
        fault: { type: 'lost-ack', on: 'shard 1', times: 2 },
        principal: 'local:operator',
        reason: 'a test',
      }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: 'faults are cleared', principal: 'local:operator', reason: 'a test' }),
    );
  });

  it('TK3 crash: it is answered, then the process is gone as by SIGKILL', async () => {
    const node = await up(await nodeFolder('chaos: { allow: true }\n', 'silent'));
    expect(await node.weir('chaos', 'crash', ...because)).toMatchObject({ code: 0, out: '1  the worker dies\n' });
    await node.ended;
    expect(node.child.signalCode).toBe('SIGKILL');
  });

  it('TK3 a node that does not allow it refuses in one sentence', async () => {
    const node = await up(await nodeFolder());
    const refusals = await Promise.all([
      node.weir('chaos', 'crash', ...because),
      node.weir('chaos', 'list'),
      node.weir('chaos', 'clear', ...because),
    ]);
    for (const { code, error } of refusals) {
      expect(code).toBe(1);
      expect(error).toMatch(/^weir: this node allows no failure injection \(WEIR_CHAOS_OFF\)\n {2}to do: /);
    }
    expect((await node.weir('status')).code).toBe(0);
  });

  it.each([
    [['losst-ack', ...because], 'there is no fault "losst-ack" (did you mean "lost-ack"?)'],
    [['slow', ...because], 'slow: it needs "by"'],
    [['crash', 'shard', 'two', ...because], 'crash cannot be aimed at "shard two"'],
    [['lost-ack'], "required option '--reason <text>' not specified"],
  ])('TK3 a slip of the pen is told without a node: %j', async (args, why) => {
    const { code, error } = await weir(['chaos', ...args, '--url', await silentUrl()]);
    expect({ code, error }).toEqual({ code: 2, error: expect.stringContaining(why) });
  });

  it('TK3 the help has every word', async () => {
    const { out } = await weir(['chaos', '--help']);
    for (const word of faultWords) expect(out).toMatch(new RegExp(`^ {2}${word} `, 'm'));
  });

  it('CF1 chaos is off unless the configuration says so, in these words alone', async () => {
    const directory = await nodeFolder('chaos: { alow: true }\n');
    const { code, error } = await weir(['up', '--config', `${directory}/weir.yaml`]);
    expect({ code, error }).toEqual({ code: 2, error: expect.stringContaining('(did you mean "allow"?)') });
  });
});
