import { describe, expect, it } from 'vitest';
import type { ChildSpec } from '../../src/supervisors/index.ts';
import { gate } from '../actors/kernel/support.ts';
import { puppet, supervise } from './support.ts';

const refusal = (code: string, more: object = {}): object => ({ type: 'refused', error: { code, ...more } });
const silent: Partial<ChildSpec> = { ready: 'when-reported' };

describe('children that are started by message', () => {
  it('AK5 start: answered with the address once the child is ready', async () => {
    const events: string[] = [];
    const child = puppet('child', events, silent);
    const { act, settle, states } = supervise([], { strategy: 'simple-one-for-one' });
    const answer = act({ type: 'start-child', child: child.spec });
    await settle();
    expect(await states()).toBe('child:starting');
    child.ready();
    expect(await answer).toMatchObject({
      type: 'done',
      child: { id: 'child', state: 'ready' },
      ref: { path: '/supervisor/child' },
    });
  });

  it('AK5 start: a child that waits for what it needs is answered as such, and starts later', async () => {
    const events: string[] = [];
    const log = puppet('log', events, silent);
    const rpc = puppet('rpc', events, { needs: ['log'] });
    const { act, states } = supervise([log.spec]);
    expect(await act({ type: 'start-child', child: rpc.spec })).toMatchObject({
      type: 'done',
      child: { state: 'waiting', waitsOn: ['log'] },
    });
    log.ready();
    expect(await states()).toBe('log:ready rpc:ready');
  });

  const failing: readonly (readonly [string, Partial<ChildSpec>, string])[] = [
    ['throws', { start: () => () => Promise.reject(new Error('no disk')) }, 'no disk'],
    ['hangs', { start: () => () => new Promise(() => undefined), startWithin: '1 s' }, 'not ready within 1000 ms'],
  ];
  for (const [what, settings, why] of failing) {
    it(`AK5 start: one that ${what} is not tried again but forgotten, and the answer says why`, async () => {
      const { act, clock, states, downs } = supervise([puppet('other', []).spec]);
      const answer = act({ type: 'start-child', child: puppet('child', [], settings).spec });
      await clock.advance('1 s');
      expect(await answer).toMatchObject(
        refusal('WEIR_CHILD_NOT_STARTED', { cause: { message: expect.stringContaining(why) } }),
      );
      expect(await states()).toBe('other:ready');
      expect(downs).toEqual([]);
    });
  }

  it('AK5 start: a wrong specification, or an id that is taken, starts nothing', async () => {
    const { act, states } = supervise([puppet('one', []).spec]);
    const wrong = puppet('two', [], { needs: ['on'] });
    expect(await act({ type: 'start-child', child: wrong.spec })).toMatchObject(
      refusal('WEIR_SUPERVISION_INVALID', { context: { path: 'child.needs[0]' } }),
    );
    expect(await act({ type: 'start-child', child: { ...wrong.spec, id: '' } })).toMatchObject(
      refusal('WEIR_SUPERVISION_INVALID', { context: { path: 'child.id' } }),
    );
    expect(await act({ type: 'start-child', child: puppet('one', []).spec })).toMatchObject(
      refusal('WEIR_CHILD_EXISTS', { context: { id: 'one', state: 'ready' } }),
    );
    expect(await states()).toBe('one:ready');
  });

  it('AK5 once it runs, a child that was started by message is restarted as any other', async () => {
    const child = puppet('child', []);
    const { act, clock, states } = supervise([], { strategy: 'simple-one-for-one' });
    await act({ type: 'start-child', child: child.spec });
    child.fail('boom');
    expect(await states()).toBe('child:backoff');
    await clock.advance(100);
    expect(await states()).toBe('child:ready');
    expect(child.starts()).toBe(2);
  });

  it('AK5 a child that fails at the moment it is ready is restarted: its start had succeeded', async () => {
    const child = puppet('child', [], silent);
    const { act, clock, settle, states } = supervise([puppet('other', []).spec]);
    const answer = act({ type: 'start-child', child: child.spec });
    await settle();
    child.ready();
    child.fail('boom');
    expect(await answer).toMatchObject({ type: 'done', child: { id: 'child' } });
    await clock.advance(100);
    expect(await states()).toBe('other:ready child:starting');
  });

  it('AK5 simple-one-for-one forgets what has ended or is down; others go on, and it goes on without any', async () => {
    const ends = puppet('ends', [], { restart: 'transient' });
    const fails = puppet('fails', []);
    const stays = puppet('stays', []);
    const { act, settle, states, downs, escalated } = supervise([], {
      strategy: 'simple-one-for-one',
      intensity: { max: 0, within: 1 },
    });
    for (const { spec } of [ends, fails, stays]) await act({ type: 'start-child', child: spec });
    ends.finish();
    fails.fail('boom');
    expect(await states()).toBe('stays:ready');
    await act({ type: 'terminate-child', id: 'stays' });
    await settle();
    expect(await states()).toBe('');
    expect([downs, escalated]).toEqual([['fails: child fails is down: it failed again after 0 restarts'], []]);
  });

  it('AK5 a restarted supervisor has the children of its specification, not those of messages', async () => {
    const listed = puppet('listed', []);
    const added = puppet('added', []);
    const { act, settle, states, system } = supervise([listed.spec], {}, {}, { restart: true });
    await act({ type: 'start-child', child: added.spec });
    system.steer.crash('/supervisor', new Error('a defect'));
    await settle();
    expect(await states()).toBe('listed:ready');
  });
});

describe('acts on children', () => {
  it('AK5 terminate: answered when the child has ended; it stays stopped until it is restarted, with a new budget', async () => {
    const leaving = gate();
    const child = puppet('child', [], {
      start: () => () => ({ message: () => undefined, ended: () => leaving.opened }),
    });
    const { act, settle, states } = supervise([child.spec, puppet('other', []).spec]);
    await settle();
    const answer = act({ type: 'terminate-child', id: 'child' });
    const again = act({ type: 'terminate-child', id: 'child' });
    await settle();
    expect(await states()).toBe('child:stopping other:ready');
    leaving.open();
    for (const each of await Promise.all([answer, again])) {
      expect(each).toMatchObject({ type: 'done', child: { state: 'stopped' } });
      expect(each).not.toHaveProperty('ref');
    }
    expect(await act({ type: 'restart-child', id: 'child' })).toMatchObject({
      type: 'done',
      child: { state: 'ready' },
      ref: { path: '/supervisor/child' },
    });
  });

  it('AK11 terminate: what needs the child ends before it, and waits', async () => {
    const events: string[] = [];
    const log = puppet('log', events);
    const rpc = puppet('rpc', events, { needs: ['log'] });
    const { act, settle, states } = supervise([log.spec, rpc.spec]);
    await settle();
    events.length = 0;
    await act({ type: 'terminate-child', id: 'log' });
    expect(events).toEqual(['-rpc', '-log']);
    expect(await states()).toBe('log:stopped rpc:waiting');
    await act({ type: 'restart-child', id: 'log' });
    expect(await states()).toBe('log:ready rpc:ready');
  });

  it('AK5 terminate: a backoff ends at once, and a start that is under way is called off', async () => {
    const child = puppet('child', []);
    const { act, clock, settle, states } = supervise([child.spec, puppet('other', []).spec]);
    await settle();
    child.fail('boom');
    await settle();
    await act({ type: 'terminate-child', id: 'child' });
    await clock.advance('1 h');
    expect(await states()).toBe('child:stopped other:ready');
    const slow = act({ type: 'start-child', child: puppet('slow', [], silent).spec });
    await settle();
    await act({ type: 'terminate-child', id: 'slow' });
    expect(await slow).toMatchObject(refusal('WEIR_CHILD_NOT_STARTED', { context: { why: 'it was told to end' } }));
  });

  it('AK5 restart: one that fails as it starts is what it was, and the answer says why', async () => {
    const child = puppet('child', []);
    let healthy = true;
    const spec: ChildSpec = {
      ...child.spec,
      start: (start) => {
        if (!healthy) throw new Error('still broken');
        return child.spec.start(start);
      },
    };
    const { act, clock, settle, states } = supervise([spec, puppet('other', []).spec], {
      intensity: { max: 0, within: '1 h' },
    });
    await settle();
    healthy = false;
    child.fail('boom');
    await settle();
    expect(await act({ type: 'restart-child', id: 'child' })).toMatchObject(
      refusal('WEIR_CHILD_NOT_STARTED', { cause: { message: 'still broken' } }),
    );
    await clock.advance('1 min');
    expect(await states()).toBe('child:down other:ready');
    healthy = true;
    await act({ type: 'restart-child', id: 'child' });
    expect(await states()).toBe('child:ready other:ready');
  });

  it('AK5 delete: only what is over, and what nobody needs', async () => {
    const log = puppet('log', []);
    const rpc = puppet('rpc', [], { needs: ['log'] });
    const { act, settle, states } = supervise([log.spec, rpc.spec, puppet('other', []).spec]);
    await settle();
    expect(await act({ type: 'delete-child', id: 'log' })).toMatchObject(refusal('WEIR_CHILD_RUNS'));
    expect(await act({ type: 'restart-child', id: 'log' })).toMatchObject(refusal('WEIR_CHILD_RUNS'));
    await act({ type: 'terminate-child', id: 'log' });
    expect(await act({ type: 'delete-child', id: 'log' })).toMatchObject(
      refusal('WEIR_CHILD_NEEDED', { context: { id: 'log', by: 'rpc' } }),
    );
    for (const id of ['rpc', 'log']) {
      await act({ type: 'terminate-child', id });
      expect(await act({ type: 'delete-child', id })).toMatchObject({ type: 'done', child: { id, state: 'stopped' } });
    }
    expect(await states()).toBe('other:ready');
    expect(await act({ type: 'start-child', child: puppet('log', []).spec })).toMatchObject({ type: 'done' });
  });

  it('AK5 an unknown child is refused with a hint', async () => {
    const { act } = supervise([puppet('flow', []).spec]);
    for (const type of ['terminate-child', 'restart-child', 'delete-child'] as const) {
      expect(await act({ type, id: 'flwo' })).toMatchObject(
        refusal('WEIR_CHILD_UNKNOWN', { message: expect.stringContaining('did you mean flow?') }),
      );
    }
  });

  it('AK5 who waits for an answer hears of the end of the supervisor', async () => {
    const never: Partial<ChildSpec> = {
      shutdown: '1 min',
      start: () => () => ({ message: () => undefined, ended: () => new Promise(() => undefined) }),
    };
    const { act, clock, ref, settle, system } = supervise([puppet('stuck', [], never).spec]);
    await settle();
    const answers = [
      act({ type: 'start-child', child: puppet('slow', [], silent).spec }),
      act({ type: 'terminate-child', id: 'stuck' }),
    ];
    await settle();
    void system.stop(ref);
    await clock.advance('2 min');
    for (const answer of answers) expect(await answer).toMatchObject(refusal('WEIR_ACTOR_DEAD'));
  });
});
