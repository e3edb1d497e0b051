import { describe, expect, it } from 'vitest';
import type { ChildSpec } from '../../src/supervisors/index.ts';
import { gate } from '../actors/kernel/support.ts';
import { puppet, supervise } from './support.ts';

describe('restart types', () => {
  const table = [
    ['permanent', 'fails', 2, 'ready'],
    ['permanent', 'finishes', 2, 'ready'],
    ['transient', 'fails', 2, 'ready'],
    ['transient', 'finishes', 1, 'stopped'],
    ['temporary', 'fails', 1, 'stopped'],
    ['temporary', 'finishes', 1, 'stopped'],
  ] as const;
  for (const [restart, how, starts, state] of table) {
    it(`AK5 one-for-one: a ${restart} child that ${how} is then ${state}`, async () => {
      const events: string[] = [];
      const child = puppet('child', events, { restart });
      const sibling = puppet('sibling', events);
      const { clock, settle, states } = supervise([child.spec, sibling.spec]);
      await settle();
      if (how === 'fails') child.fail('boom');
      else child.finish();
      await clock.advance(100);
      expect(await states()).toBe(`child:${state} sibling:ready`);
      expect([child.starts(), sibling.starts()]).toEqual([starts, 1]);
    });
  }
});

describe('restart budget of a child', () => {
  it('AK6 restarts wait longer each time, and past the budget the child is down with its cause', async () => {
    const events: string[] = [];
    const child = puppet('child', events);
    const sibling = puppet('sibling', events);
    const { clock, settle, states, status, downs } = supervise([child.spec, sibling.spec]);
    await settle();
    child.fail('one');
    await clock.advance(99);
    expect(await states()).toBe('child:backoff sibling:ready');
    await clock.advance(1);
    child.fail('two');
    await clock.advance(199);
    expect(child.starts()).toBe(2);
    await clock.advance(1);
    expect(child.starts()).toBe(3);
    child.fail('three');
    expect(await states()).toBe('child:down sibling:ready');
    expect(downs).toEqual(['child: child child is down: it failed again after 2 restarts']);
    expect((await status())[0]).toMatchObject({ restarts: 2, lastFailure: 'three' });
  });

  it('AK6 a budget that is spent stays spent, however long the child takes to end', async () => {
    const leaving = gate();
    let starts = 0;
    const child: ChildSpec = {
      id: 'child',
      start: () => (context) => {
        starts += 1;
        context.clock.after(10, () => context.fail(new Error('boom')));
        return { message: () => undefined, ended: () => (starts > 1 ? leaving.opened : undefined) };
      },
    };
    const settings = { intensity: { max: 1, within: 200 } };
    const { clock, states } = supervise([child, puppet('sibling', []).spec], settings);
    await clock.advance(1_000);
    leaving.open();
    expect(await states()).toBe('child:down sibling:ready');
  });

  it('WK8 a child that crashes, and goes down, does not stop its siblings', async () => {
    const events: string[] = [];
    const child = puppet('child', events);
    const sibling = puppet('sibling', events);
    const { settle, escalated, states } = supervise([child.spec, sibling.spec], { intensity: { max: 0, within: 1 } });
    await settle();
    child.fail('boom');
    expect(await states()).toBe('child:down sibling:ready');
    expect([sibling.starts(), escalated]).toEqual([1, []]);
    expect(events).toEqual(['+child', '+sibling', '-child']);
  });

  it('AK6 the budget is of each child alone, and forgets old failures', async () => {
    const events: string[] = [];
    const children = [puppet('a', events), puppet('b', events)];
    const { clock, settle, states } = supervise(children.map(({ spec }) => spec));
    await settle();
    for (let round = 0; round < 4; round += 1) {
      for (const child of children) child.fail('boom');
      await clock.advance('5 s');
    }
    expect(await states()).toBe('a:ready b:ready');
  });

  it('AK6 a significant child that goes down fails the supervisor, with the chain of causes', async () => {
    const events: string[] = [];
    const child = puppet('log', events, { significant: true });
    const sibling = puppet('sibling', events);
    const { settle, escalated } = supervise([child.spec, sibling.spec], { intensity: { max: 0, within: 1 } });
    await settle();
    child.fail('disk full');
    await settle();
    expect(escalated[0]).toMatchObject({ code: 'WEIR_CHILD_DOWN', cause: { message: 'disk full' } });
    expect(events).toEqual(['+log', '+sibling', '-log', '-sibling']);
  });

  it('AK6 a supervisor of which nothing is left fails with the last cause', async () => {
    const events: string[] = [];
    const child = puppet('only', events);
    const waiting = puppet('waiting', events, { needs: ['only'] });
    const { settle, escalated } = supervise([child.spec, waiting.spec], { intensity: { max: 0, within: 1 } });
    await settle();
    child.fail('boom');
    await settle();
    expect(escalated[0]).toMatchObject({
      code: 'WEIR_NOTHING_LEFT',
      cause: { code: 'WEIR_CHILD_DOWN', cause: { message: 'boom' } },
    });
  });

  it('AK6 a listener that fails does not bring the supervisor down', async () => {
    const events: string[] = [];
    const child = puppet('child', events);
    const sibling = puppet('sibling', events);
    const onDown = (): never => {
      throw new Error('mine');
    };
    const { settle, states, escalated } = supervise(
      [child.spec, sibling.spec],
      { intensity: { max: 0, within: 1 } },
      { onDown },
    );
    await settle();
    child.fail('boom');
    expect(await states()).toBe('child:down sibling:ready');
    expect(escalated).toEqual([]);
  });

  it('AK6 a child that is down can be restarted, with a new budget', async () => {
    const events: string[] = [];
    const child = puppet('child', events);
    const sibling = puppet('sibling', events);
    const { act, settle, states } = supervise([child.spec, sibling.spec], { intensity: { max: 0, within: '1 h' } });
    await settle();
    child.fail('boom');
    await settle();
    expect(await act({ type: 'restart-child', id: 'child' })).toMatchObject({
      type: 'done',
      child: { state: 'ready' },
    });
    expect(await states()).toBe('child:ready sibling:ready');
  });
});

describe('domino start', () => {
  it('AK11 a child starts when everything it needs is ready, in whatever order they are listed', async () => {
    const events: string[] = [];
    const rpc = puppet('rpc', events, { needs: ['flow'] });
    const flow = puppet('flow', events, { needs: ['log', 'schema'] });
    const log = puppet('log', events, { ready: 'when-reported' });
    const schema = puppet('schema', events);
    const { settle, status } = supervise([rpc.spec, flow.spec, log.spec, schema.spec]);
    await settle();
    expect(events).toEqual(['+log', '+schema']);
    const waiting = (await status()).map(({ id, state, waitsOn }) => [id, state, waitsOn]);
    expect(waiting).toEqual([
      ['log', 'starting', []],
      ['schema', 'ready', []],
      ['flow', 'waiting', ['log']],
      ['rpc', 'waiting', ['flow']],
    ]);
    log.ready();
    await settle();
    expect(events).toEqual(['+log', '+schema', '+flow', '+rpc']);
  });

  it('AK11 an asynchronous start is ready when it has ended', async () => {
    const events: string[] = [];
    const made = gate();
    const { settle, states } = supervise([
      { id: 'slow', start: () => () => made.opened.then(() => ({ message: () => undefined })) },
      puppet('next', events, { needs: ['slow'] }).spec,
    ]);
    await settle();
    expect(await states()).toBe('slow:starting next:waiting');
    made.open();
    expect(await states()).toBe('slow:ready next:ready');
  });

  it('AK11 when a prerequisite falls, what needs it ends in reverse order, and starts again when it returns', async () => {
    const events: string[] = [];
    const log = puppet('log', events);
    const flow = puppet('flow', events, { needs: ['log'] });
    const rpc = puppet('rpc', events, { needs: ['flow'] });
    const other = puppet('other', events);
    const { clock, settle, states } = supervise([log.spec, flow.spec, rpc.spec, other.spec]);
    await settle();
    events.length = 0;
    log.fail('broker gone');
    expect(await states()).toBe('log:backoff flow:waiting rpc:waiting other:ready');
    await clock.advance(100);
    expect(await states()).toBe('log:ready flow:ready rpc:ready other:ready');
    expect(events).toEqual(['-log', '-rpc', '-flow', '+log', '+flow', '+rpc']);
  });

  it('AK11 dependents start anew even if the prerequisite is back before they have ended', async () => {
    const events: string[] = [];
    const leaving = gate();
    const log = puppet('log', events);
    const flow = puppet('flow', events, {
      needs: ['log'],
      start: () => () => {
        events.push('+flow');
        return { message: () => undefined, ended: () => leaving.opened };
      },
    });
    const { settle, states } = supervise([log.spec, flow.spec], { backoff: { min: 0, max: 0, jitter: 0 } });
    await settle();
    log.fail('blink');
    expect(await states()).toBe('log:ready flow:stopping');
    leaving.open();
    expect(await states()).toBe('log:ready flow:ready');
    expect(events).toEqual(['+log', '+flow', '-log', '+log', '+flow']);
  });

  it('AK11 a start beyond its deadline is a failure, also when the behaviour hangs', async () => {
    const events: string[] = [];
    const hung = gate();
    const silent = puppet('silent', events, { ready: 'when-reported', startWithin: '1 s' });
    const { clock, settle, status } = supervise([
      silent.spec,
      {
        id: 'hung',
        startWithin: '1 s',
        start: () => async () => {
          await hung.opened;
          return { message: () => undefined, ended: ({ type }) => void events.push(`late: ${type}`) };
        },
      },
    ]);
    await settle();
    await clock.advance('1 s');
    for (const child of await status()) {
      expect(child).toMatchObject({
        state: 'backoff',
        lastFailure: expect.stringContaining('not ready within 1000 ms'),
      });
    }
    hung.open();
    await clock.advance(100);
    expect((await status()).map(({ state }) => state)).toEqual(['starting', 'ready']);
    expect(events).toContain('late: abandoned');
  });

  it('AK3 a supervisor ends its children in reverse start order, each within its deadline', async () => {
    const events: string[] = [];
    const log = puppet('log', events);
    const rpc = puppet('rpc', events, { needs: ['log'] });
    const stuck = puppet('stuck', events, {
      needs: ['rpc'],
      shutdown: '2 s',
      start: () => () => ({ message: () => undefined, ended: () => new Promise(() => undefined) }),
    });
    const { clock, system, ref, settle } = supervise([stuck.spec, rpc.spec, log.spec]);
    await settle();
    events.length = 0;
    const stopped = system.stop(ref);
    await clock.advance(1_999);
    expect(events).toEqual([]);
    await clock.advance(1);
    await stopped;
    expect(events).toEqual(['-rpc', '-log']);
  });
});
