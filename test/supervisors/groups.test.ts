import { describe, expect, it } from 'vitest';
import { type ChildSpec, describeWaiting } from '../../src/supervisors/index.ts';
import { gate } from '../actors/kernel/support.ts';
import { type Puppet, puppet, type Supervised, supervise } from './support.ts';

type Group = 'all-for-one' | 'rest-for-one';

interface Scene extends Supervised {
  readonly events: string[];
  readonly a: Puppet;
  readonly b: Puppet;
  readonly c: Puppet;
}

/** Three children that are ready; what happens next is noted. */
async function three(
  strategy: Group,
  settings: Partial<Record<'a' | 'b' | 'c', Partial<ChildSpec>>> = {},
  max = 2,
): Promise<Scene> {
  const events: string[] = [];
  const [a, b, c] = [puppet('a', events, settings.a), puppet('b', events, settings.b), puppet('c', events, settings.c)];
  const intensity = { max, within: '10 s' } as const;
  const scene = supervise([a.spec, b.spec, c.spec], { strategy, intensity });
  await scene.settle();
  expect(await scene.states()).toBe('a:ready b:ready c:ready');
  events.length = 0;
  return { ...scene, events, a, b, c };
}

describe('children that restart together', () => {
  it('AK5 all-for-one: all end in reverse order, wait out the backoff, and start in order', async () => {
    const { b, clock, events, states } = await three('all-for-one');
    b.fail('boom');
    expect(await states()).toBe('a:waiting b:backoff c:waiting');
    expect(events).toEqual(['-b', '-c', '-a']);
    await clock.advance(99);
    expect(events).toHaveLength(3);
    await clock.advance(1);
    expect(events.slice(3)).toEqual(['+a', '+b', '+c']);
    expect(await states()).toBe('a:ready b:ready c:ready');
  });

  it('AK5 rest-for-one: those after it end in reverse order and start again after it; those before it go on', async () => {
    const { b, clock, events, states } = await three('rest-for-one');
    b.fail('boom');
    expect(await states()).toBe('a:ready b:backoff c:waiting');
    await clock.advance(100);
    expect(events).toEqual(['-b', '-c', '+b', '+c']);
    expect(await states()).toBe('a:ready b:ready c:ready');
  });

  it('AK5 each starts when the one before it is ready, not only started', async () => {
    const { a, clock, events, states, status } = await three('all-for-one');
    a.fail('boom');
    await clock.advance(100);
    expect(events).toEqual(['-a', '-c', '-b', '+a', '+b', '+c']);
    const slow = supervise(
      [puppet('x', events, { ready: 'when-reported' }).spec, puppet('y', events).spec, puppet('z', events).spec],
      { strategy: 'rest-for-one' },
    );
    expect(await slow.states()).toBe('x:starting y:waiting z:waiting');
    expect(describeWaiting(await slow.status())).toEqual(['y waits on x (starting)', 'z waits on x (starting)']);
    expect(describeWaiting(await status())).toEqual([]);
    expect(await states()).toBe('a:ready b:ready c:ready');
  });

  it('AK5 a sibling that hangs while it ends holds the others up until its deadline, and no longer', async () => {
    const { b, clock, events, states } = await three('all-for-one', {
      c: {
        shutdown: '2 s',
        start: () => () => ({ message: () => undefined, ended: () => new Promise(() => undefined) }),
      },
    });
    b.fail('boom');
    await clock.advance(1_999);
    expect(await states()).toBe('a:ready b:waiting c:stopping');
    expect(events).toEqual(['-b']);
    await clock.advance(1);
    expect(events).toEqual(['-b', '-a', '+a', '+b']);
    expect(await states()).toBe('a:ready b:ready c:ready');
  });

  it('AK5 rest-for-one: a child does not start again before all after it have ended, however short its backoff', async () => {
    const leaving = gate();
    const { b, clock, events, states, status } = await three('rest-for-one', {
      c: { start: () => () => ({ message: () => undefined, ended: () => leaving.opened }) },
    });
    b.fail('boom');
    await clock.advance('1 s');
    expect(await states()).toBe('a:ready b:waiting c:stopping');
    expect(describeWaiting(await status())).toEqual(['b waits on c (stopping)']);
    leaving.open();
    expect(await states()).toBe('a:ready b:ready c:ready');
    expect(events).toEqual(['-b', '+b']);
  });

  it('AK5 two that fail at once restart the group once', async () => {
    const { a, b, clock, events, states, status } = await three('all-for-one');
    a.fail('first');
    b.fail('second');
    await clock.advance('1 s');
    expect(await states()).toBe('a:ready b:ready c:ready');
    expect([a.starts(), b.starts()]).toEqual([2, 2]);
    expect(events.filter((event) => event.startsWith('+'))).toEqual(['+a', '+b', '+c']);
    expect((await status()).map(({ restarts }) => restarts)).toEqual([1, 0, 0]);
  });

  it('AK5 one that fails while its group ends, or waits to end, is charged nothing', async () => {
    const leaving = gate();
    const { a, b, clock, states, status } = await three(
      'all-for-one',
      { c: { start: () => () => ({ message: () => undefined, ended: () => leaving.opened }) } },
      1,
    );
    b.fail('boom');
    expect(await states()).toBe('a:ready b:backoff c:stopping');
    for (let time = 0; time < 3; time += 1) a.fail('me too');
    expect(await states()).toBe('a:waiting b:backoff c:stopping');
    leaving.open();
    await clock.advance(100);
    expect(await states()).toBe('a:ready b:ready c:ready');
    expect((await status()).map(({ restarts }) => restarts)).toEqual([0, 1, 0]);
  });

  it('AK6 rest-for-one: past its budget a child is down, and those after it wait for it', async () => {
    const { act, b, clock, downs, escalated, status, states } = await three('rest-for-one', {}, 0);
    b.fail('boom');
    await clock.advance(0);
    expect(await states()).toBe('a:ready b:down c:waiting');
    expect(describeWaiting(await status())).toEqual(['c waits on b (down: boom)']);
    expect([downs.length, escalated]).toEqual([1, []]);
    await act({ type: 'restart-child', id: 'b' });
    expect(await states()).toBe('a:ready b:ready c:ready');
  });

  it('AK6 all-for-one: without the one that is down nothing is left, and the cause escalates', async () => {
    const { b, escalated, events, settle } = await three('all-for-one', {}, 0);
    b.fail('boom');
    await settle();
    expect(events).toEqual(['-b', '-c', '-a']);
    expect(escalated).toEqual([
      expect.objectContaining({
        code: 'WEIR_NOTHING_LEFT',
        cause: expect.objectContaining({
          code: 'WEIR_CHILD_DOWN',
          cause: expect.objectContaining({ message: 'boom' }),
        }),
      }),
    ]);
  });

  it('AK4 what was sent to the old group does not reach the new one, and is not lost in silence', async () => {
    const got: string[] = [];
    const letters: unknown[] = [];
    const never = gate();
    const busy: ChildSpec = {
      id: 'busy',
      shutdown: 'brutal',
      start: () => () => ({
        message: async (text: string) => {
          got.push(text);
          await never.opened;
        },
      }),
    };
    const events: string[] = [];
    const other = puppet('other', events);
    const { clock, system, act, settle, states } = supervise([busy, other.spec], { strategy: 'all-for-one' });
    system.onDeadLetter(({ reason, message }) => letters.push([reason, message]));
    await settle();
    await act({ type: 'terminate-child', id: 'busy' });
    const started = await act({ type: 'restart-child', id: 'busy' });
    const ref = started.type === 'done' ? started.ref : undefined;
    const tell = (text: string): unknown => ref?.tell(text as never);
    expect([tell('one'), tell('two')]).toEqual(['accepted', 'accepted']);
    await settle();
    other.fail('boom');
    await clock.advance(100);
    expect(await states()).toBe('busy:ready other:ready');
    expect(tell('three')).toBe('dead');
    await settle();
    expect(got).toEqual(['one']);
    expect(letters).toEqual([
      ['stopped', 'two'],
      ['dead', 'three'],
    ]);
  });

  it('AK13 a restart that an operator asks for takes the group along, at once, and is charged to nobody', async () => {
    const { clock, events, states, status, system } = await three('rest-for-one', {}, 0);
    expect(system.steer.restart('/supervisor/b')).toBe('done');
    await clock.advance(0);
    expect(events).toEqual(['-b', '-c', '+b', '+c']);
    expect(await states()).toBe('a:ready b:ready c:ready');
    expect((await status())[1]).not.toHaveProperty('lastFailure');
  });
});

describe('groups and needs', () => {
  it('AK11 in a group needs still decide the order, whatever the list says', async () => {
    const events: string[] = [];
    const rpc = puppet('rpc', events, { needs: ['log'] });
    const log = puppet('log', events);
    const { settle, clock, states } = supervise([rpc.spec, log.spec], { strategy: 'rest-for-one' });
    await settle();
    log.fail('disk full');
    await clock.advance(100);
    expect(await states()).toBe('log:ready rpc:ready');
    expect(events).toEqual(['+log', '+rpc', '-log', '-rpc', '+log', '+rpc']);
  });

  it('AK11 when what it needs has ended for good, a child of a group waits and says for what', async () => {
    const { a, status, events, settle } = await three('rest-for-one', {
      a: { restart: 'transient' },
      c: { needs: ['a'] },
    });
    a.finish();
    await settle();
    expect(events).toEqual(['-a', '-c']);
    expect(describeWaiting(await status())).toEqual(['c waits on a (stopped)']);
  });

  it('AK5 a temporary child that ends because what it needs fell does not start again', async () => {
    const log = puppet('log', []);
    const once = puppet('once', [], { needs: ['log'], restart: 'temporary' });
    const { settle, clock, states } = supervise([log.spec, once.spec]);
    await settle();
    log.fail('broker gone');
    await clock.advance(100);
    expect(await states()).toBe('log:ready once:stopped');
    expect(once.starts()).toBe(1);
  });

  it('AK11 one that fails while it waits to end, because what it needs fell, is charged nothing', async () => {
    const leaving = gate();
    const log = puppet('log', []);
    const flow = puppet('flow', [], { needs: ['log'] });
    const rpc: ChildSpec = {
      id: 'rpc',
      needs: ['flow'],
      start: () => () => ({ message: () => undefined, ended: () => leaving.opened }),
    };
    const { settle, clock, states, status } = supervise([log.spec, flow.spec, rpc]);
    await settle();
    log.fail('broker gone');
    expect(await states()).toBe('log:backoff flow:ready rpc:stopping');
    flow.fail('nothing to write to');
    expect(await states()).toBe('log:backoff flow:waiting rpc:stopping');
    leaving.open();
    await clock.advance(100);
    expect(await states()).toBe('log:ready flow:ready rpc:ready');
    expect((await status()).map(({ restarts }) => restarts)).toEqual([1, 0, 0]);
  });

  it('AK11 one-for-one: those that fall together end side by side, and only what stands on the other waits', async () => {
    const events: string[] = [];
    const leaving = gate();
    const log = puppet('log', events);
    const slow: ChildSpec = {
      id: 'slow',
      needs: ['log'],
      start: () => () => ({ message: () => undefined, ended: () => leaving.opened }),
    };
    const quick = puppet('quick', events, { needs: ['log'] });
    const { settle, clock, states } = supervise([log.spec, quick.spec, slow]);
    await settle();
    log.fail('broker gone');
    await clock.advance(100);
    expect(await states()).toBe('log:ready quick:ready slow:stopping');
    leaving.open();
    expect(await states()).toBe('log:ready quick:ready slow:ready');
    expect(events).toEqual(['+log', '+quick', '-log', '-quick', '+log', '+quick']);
  });
});
