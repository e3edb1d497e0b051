/** How supervisors and their children end: deadlines, ends that shut the supervisor down, causes that go up the tree. */
import { describe, expect, it } from 'vitest';
import type { ActorSystem } from '../../src/actors/kernel/index.ts';
import { createActorSystem } from '../../src/actors/kernel/index.ts';
import { seededRandom, silentLogger, systemClock } from '../../src/ports/index.ts';
import { type ChildSpec, type SupervisorSpec, shutdownMsOf, supervisor } from '../../src/supervisors/index.ts';
import { gate, testSystem } from '../actors/kernel/support.ts';
import { puppet, supervise } from './support.ts';

const hungEnd: ChildSpec['start'] = () => () => ({
  message: () => undefined,
  ended: () => new Promise(() => undefined),
});

describe('shutdown of a child', () => {
  it('AK3 brutal: nothing is waited for', async () => {
    const { act } = supervise([{ id: 'stuck', shutdown: 'brutal', start: hungEnd }, puppet('other', []).spec]);
    expect(await act({ type: 'terminate-child', id: 'stuck' })).toMatchObject({ child: { state: 'stopped' } });
  });

  it('AK3 by deadline: it is given up then', async () => {
    const { act, clock, states } = supervise([
      { id: 'stuck', shutdown: '2 s', start: hungEnd },
      puppet('other', []).spec,
    ]);
    await clock.advance(0);
    const answer = act({ type: 'terminate-child', id: 'stuck' });
    await clock.advance(1_999);
    expect(await states()).toBe('stuck:stopping other:ready');
    await clock.advance(1);
    expect(await answer).toMatchObject({ child: { state: 'stopped' } });
  });

  it('AK3 infinite: it is waited for, as a supervisor must be for the sake of what is below it', async () => {
    const leaving = gate();
    const start: ChildSpec['start'] = () => () => ({ message: () => undefined, ended: () => leaving.opened });
    const { act, clock, states } = supervise([{ id: 'slow', shutdown: 'infinite', start }, puppet('other', []).spec]);
    await clock.advance(0);
    const answer = act({ type: 'terminate-child', id: 'slow' });
    await clock.advance('5 min');
    expect(await states()).toBe('slow:stopping other:ready');
    leaving.open();
    expect(await answer).toMatchObject({ child: { state: 'stopped' } });
  });
});

describe('the end of a supervisor', () => {
  for (const when of ['before', 'while'] as const) {
    it(`AK3 a child that fails ${when} its supervisor waits for another to end does not come back`, async () => {
      const child = puppet('child', []);
      const { clock, ref, settle, system } = supervise([child.spec, { id: 'stuck', shutdown: '2 s', start: hungEnd }]);
      await settle();
      if (when === 'before') child.fail('boom');
      void system.stop(ref);
      await settle();
      if (when === 'while') child.fail('boom');
      await clock.advance('10 s');
      expect(child.starts()).toBe(1);
      expect(system.tree()).toEqual([]);
    });
  }
});

describe('automatic shutdown', () => {
  const scene = async (autoShutdown: NonNullable<SupervisorSpec['autoShutdown']>, restart: ChildSpec['restart']) => {
    const events: string[] = [];
    const significant = { significant: true, restart: restart ?? 'transient' };
    const [one, two] = [puppet('one', events, significant), puppet('two', events, significant)];
    const worker = puppet('worker', events);
    const supervised = supervise([worker.spec, one.spec, two.spec], { autoShutdown });
    await supervised.settle();
    events.length = 0;
    const cause = supervised.system.terminated(supervised.ref);
    return { ...supervised, events, one, two, cause };
  };

  it('AK5 any-significant: the first significant child that has done its work ends the supervisor, in reverse order', async () => {
    const { cause, events, one, settle, escalated } = await scene('any-significant', 'transient');
    one.finish();
    await settle();
    expect(await cause).toEqual({ type: 'finished' });
    expect(events).toEqual(['-one', '-two', '-worker']);
    expect(escalated).toEqual([]);
  });

  it('AK5 all-significant: the last one does', async () => {
    const { cause, events, one, two, settle, states } = await scene('all-significant', 'transient');
    one.finish();
    expect(await states()).toBe('worker:ready one:stopped two:ready');
    two.finish();
    await settle();
    expect(await cause).toEqual({ type: 'finished' });
    expect(events).toEqual(['-one', '-two', '-worker']);
  });

  it('AK5 a temporary significant child counts when it fails, too', async () => {
    const { cause, one, settle } = await scene('any-significant', 'temporary');
    one.fail('boom');
    await settle();
    expect(await cause).toEqual({ type: 'finished' });
  });

  it('AK5 a failure that is followed by a restart, or an end by message, does not', async () => {
    const { act, one, clock, states } = await scene('any-significant', 'transient');
    one.fail('boom');
    await clock.advance(100);
    await act({ type: 'terminate-child', id: 'two' });
    expect(await states()).toBe('worker:ready one:ready two:stopped');
  });

  it('AK5 never: the supervisor goes on', async () => {
    const { one, two, states } = await scene('never', 'transient');
    one.finish();
    two.finish();
    expect(await states()).toBe('worker:ready one:stopped two:stopped');
  });
});

describe('a supervisor under a supervisor', () => {
  const backoff = { min: 100, max: 100, jitter: 0 };

  /** `/top/middle/bottom/<child>`, each of the upper ones with a budget of one restart. */
  function tower(child: ChildSpec, settings: Partial<SupervisorSpec> = {}): SupervisorSpec {
    const wrap = (id: string, spec: SupervisorSpec): SupervisorSpec => ({
      strategy: 'one-for-one',
      intensity: { max: 1, within: '1 h' },
      backoff,
      children: [{ id, shutdown: 'infinite', start: () => supervisor(spec, { random: seededRandom(1) }) }],
    });
    const bottom: SupervisorSpec = {
      strategy: 'one-for-one',
      intensity: { max: 0, within: '1 h' },
      backoff,
      children: [child],
      ...settings,
    };
    return wrap('middle', wrap('bottom', bottom));
  }

  function stand(spec: SupervisorSpec): {
    escalated: Error[];
    system: ActorSystem;
    advance: (ms: number) => Promise<void>;
  } {
    const { clock, system } = testSystem();
    const escalated: Error[] = [];
    system.onEscalation((_path, error) => escalated.push(error));
    const top = supervisor(spec, { random: seededRandom(1) });
    system.spawn('top', top, { shutdownMs: shutdownMsOf(spec), onFailure: () => ({ type: 'escalate' }) });
    return { escalated, system, advance: (ms) => clock.advance(ms) };
  }

  const chainOf = (error: unknown): string[] => {
    const links: string[] = [];
    for (let link = error; link instanceof Error; link = link.cause) {
      links.push('code' in link ? String(link.code) : link.message);
    }
    return links;
  };

  it('AK6 budgets multiply up the tree, and in the end the cause arrives with every step of its way', async () => {
    const child = puppet('child', []);
    const { advance, escalated } = stand(tower(child.spec));
    await advance(0);
    for (let failure = 1; failure <= 4; failure += 1) {
      expect([child.starts(), escalated.length]).toEqual([failure, 0]);
      child.fail(`failure ${failure}`);
      await advance(1_000);
    }
    expect(child.starts()).toBe(4);
    expect(escalated).toHaveLength(1);
    expect(chainOf(escalated[0])).toEqual([
      ...['WEIR_NOTHING_LEFT', 'WEIR_CHILD_DOWN'],
      ...['WEIR_NOTHING_LEFT', 'WEIR_CHILD_DOWN'],
      ...['WEIR_NOTHING_LEFT', 'WEIR_CHILD_DOWN'],
      'failure 4',
    ]);
  });

  it('MO4 restarts, the last failure and what is down are seen at every level of the tree', async () => {
    const child = puppet('child', []);
    const { advance, system } = stand(tower(child.spec));
    await advance(0);
    child.fail('disk full');
    await advance(100);
    const [top] = system.tree();
    expect(top).toMatchObject({
      restarts: 0,
      children: [
        {
          path: '/top/middle',
          restarts: 0,
          children: [
            { path: '/top/middle/bottom', restarts: 1, lastFailure: expect.stringContaining('nothing runs under') },
          ],
        },
      ],
    });
  });

  it('AK3 when a supervisor crashes its children end before it starts again, also those that hang', async () => {
    const events: string[] = [];
    const child = puppet('child', events, { needs: ['stuck'] });
    const stuck: ChildSpec = {
      id: 'stuck',
      shutdown: '2 s',
      start: () => () => {
        events.push('+stuck');
        return { message: () => undefined, ended: () => new Promise(() => undefined) };
      },
    };
    const { advance, system } = stand(tower(child.spec, { children: [stuck, child.spec] }));
    await advance(0);
    system.steer.crash('/top/middle/bottom', new Error('a defect'));
    await advance(1_999);
    expect(events).toEqual(['+stuck', '+child', '-child']);
    await advance(101);
    expect(events).toEqual(['+stuck', '+child', '-child', '+stuck', '+child']);
  });
});

describe('failing starts without a limit', () => {
  for (const strategy of ['one-for-one', 'all-for-one', 'rest-for-one'] as const) {
    it(`AK6 ${strategy}: a child that can never start, restarted without limit or delay, starves nobody`, async () => {
      const system = createActorSystem({ clock: systemClock(), random: seededRandom(1), logger: silentLogger });
      const after = Promise.withResolvers<void>();
      let attempts = 0;
      let ticks = 0;
      const failing: ChildSpec = {
        id: 'failing',
        start: () => () => {
          attempts += 1;
          throw new Error('no licence');
        },
      };
      const spec: SupervisorSpec = {
        strategy,
        intensity: { max: Number.POSITIVE_INFINITY, within: '1 day' },
        backoff: { min: 0, max: 0, jitter: 0 },
        children: [failing],
      };
      system.spawn<'tick'>('working', (context) => {
        context.startTimer('tick', 'tick', 1);
        const message = (): void => {
          ticks += 1;
          if (attempts >= 500 && ticks >= 10) after.resolve();
          context.startTimer('tick', 'tick', 1);
        };
        return { message };
      });
      system.spawn('supervisor', supervisor(spec, { random: seededRandom(1) }));
      await after.promise;
      await system.terminate();
      expect(attempts).toBeGreaterThanOrEqual(500);
    });
  }
});
