import { describe, expect, it } from 'vitest';
import type { Behavior, Ref } from '../../../src/actors/kernel/index.ts';
import { gate, recorder, testSystem } from './support.ts';

/** An actor with children of the given names that notes its end. */
function family(name: string, children: readonly string[], ends: string[]): Behavior<never> {
  return (context) => {
    for (const child of children) context.spawn<never>(child, family(child, [], ends));
    return { message: () => undefined, ended: () => void ends.push(name) };
  };
}

describe('stop', () => {
  it('AK3 ends leaf first, in reverse start order', async () => {
    const { system, settle } = testSystem();
    const ends: string[] = [];
    const ref = system.spawn('parent', family('parent', ['a', 'b', 'c'], ends));
    await settle();
    await system.stop(ref);
    expect(ends).toEqual(['c', 'b', 'a', 'parent']);
  });

  it('AK3 terminate does so for the whole system, and nothing starts afterwards', async () => {
    const { system, settle } = testSystem();
    const ends: string[] = [];
    system.spawn('first', family('first', ['a'], ends));
    system.spawn('second', family('second', ['b'], ends));
    await settle();
    await system.terminate();
    expect(ends).toEqual(['b', 'second', 'a', 'first']);
    expect(system.tree()).toEqual([]);
    expect(() => system.spawn('late', family('late', [], ends))).toThrow(/not running/);
  });

  it('AK3 waits for the running turn, then for the hook, and takes no message meanwhile', async () => {
    const { system, settle } = testSystem();
    const turn = gate();
    const events: string[] = [];
    const ref = system.spawn<string>('busy', () => ({
      async message(message) {
        await turn.opened;
        events.push(message);
      },
      ended: ({ type }) => void events.push(type),
    }));
    ref.tell('running');
    await settle();
    ref.tell('left over');
    const stopped = system.stop(ref);
    expect(ref.tell('too late')).toBe('dead');
    await settle();
    expect(events).toEqual([]);
    turn.open();
    await stopped;
    expect(events).toEqual(['running', 'stopped']);
  });

  it('AK3 a turn that outlives the deadline is abandoned, and the stop comes to its end', async () => {
    const { clock, system, settle } = testSystem();
    const turn = gate();
    const events: string[] = [];
    const ref = system.spawn<'go'>(
      'hung',
      () => ({
        message: () => turn.opened,
        ended: ({ type }) => void events.push(type),
      }),
      { shutdownMs: 100 },
    );
    ref.tell('go');
    await settle();
    const cause = system.terminated(ref);
    const stopped = system.stop(ref);
    await clock.advance(100);
    await stopped;
    expect(await cause).toEqual({ type: 'abandoned' });
    // The hook runs when the turn settles after all: an actor does one thing at a time, to its very end.
    expect(events).toEqual([]);
    turn.open();
    await settle();
    expect(events).toEqual(['abandoned']);
  });

  it('AK3 a hung child does not keep its parent beyond the parent’s deadline', async () => {
    const { clock, system, settle } = testSystem();
    const parent = system.spawn<never>(
      'parent',
      (context) => {
        const child = context.spawn<'go'>('child', () => ({ message: () => new Promise(() => undefined) }), {
          shutdownMs: Number.POSITIVE_INFINITY,
        });
        child.tell('go');
        return { message: () => undefined };
      },
      { shutdownMs: 50 },
    );
    await settle();
    const stopped = system.stop(parent);
    await clock.advance(50);
    await stopped;
    expect(system.tree()).toEqual([]);
  });

  it('AK3 a name is free only when its actor has ended', async () => {
    const { system, settle } = testSystem();
    const turn = gate();
    const busy: Behavior<'go'> = () => ({ message: () => turn.opened });
    const ref = system.spawn('name', busy);
    ref.tell('go');
    await settle();
    const stopped = system.stop(ref);
    expect(() => system.spawn('name', busy)).toThrow(/in use/);
    turn.open();
    await stopped;
    const successor = system.spawn('name', busy);
    expect(successor.uid).not.toBe(ref.uid);
    expect(ref.tell('go')).toBe('dead');
  });

  it('AK3 a name is not free while a turn that was given up still runs under it', async () => {
    const { clock, system, settle } = testSystem();
    const turn = gate();
    const busy: Behavior<'go'> = () => ({ message: () => turn.opened });
    const options = { shutdownMs: 100 };
    const ref = system.spawn('name', busy, options);
    ref.tell('go');
    await settle();
    const stopped = system.stop(ref);
    await clock.advance(100);
    await stopped;
    expect(() => system.spawn('name', busy)).toThrow(/in use/);
    turn.open();
    await settle();
    expect(system.spawn('name', busy).path).toBe('/name');
  });

  it('AK3 a name is not free while a hook still runs under it that has outlived its deadline', async () => {
    const { clock, system, settle } = testSystem();
    const hook = gate();
    const slow: Behavior<never> = () => ({ message: () => undefined, ended: () => hook.opened });
    const ref = system.spawn('name', slow, { shutdownMs: 100 });
    await settle();
    const stopped = system.stop(ref);
    await clock.advance(100);
    await stopped;
    expect(() => system.spawn('name', slow)).toThrow(/in use/);
    hook.open();
    await settle();
    expect(system.spawn('name', slow).path).toBe('/name');
  });

  it('AK3 who must replace what hangs may take its name at once, and is not disturbed by its end', async () => {
    const { clock, system, settle } = testSystem();
    const turn = gate();
    const received: string[] = [];
    const ref = system.spawn<string>('name', () => ({ message: () => turn.opened }), { shutdownMs: 100 });
    ref.tell('go');
    await settle();
    const stopped = system.stop(ref);
    await clock.advance(100);
    await stopped;
    const next = system.spawn<string>('name', recorder(received), { besideAbandoned: true });
    turn.open();
    await settle();
    next.tell('a');
    await settle();
    expect(received).toEqual(['a']);
    expect(() => system.spawn('name', recorder(received), { besideAbandoned: true })).toThrow(/in use/);
  });

  it('AK3 finish ends the actor after the message it is handling', async () => {
    const { system, settle } = testSystem();
    const handled: number[] = [];
    const ref = system.spawn<number>('finite', ({ finish }) => ({
      message(n) {
        if (n === 2) finish();
        handled.push(n);
      },
    }));
    for (const n of [1, 2, 3]) ref.tell(n);
    await settle();
    expect(handled).toEqual([1, 2]);
    expect(await system.terminated(ref)).toEqual({ type: 'finished' });
    expect(system.counts()).toMatchObject({ handled: 2, deadLettered: 1 });
  });

  it('AK3 a parent may await the stop of its child, and only of its child', async () => {
    const { system, settle } = testSystem();
    const events: string[] = [];
    const stranger = system.spawn<never>('stranger', family('stranger', [], events));
    const parent = system.spawn<'go'>('parent', (context) => {
      const child = context.spawn<never>('child', family('child', [], events));
      return {
        async message() {
          await context.stop(child);
          events.push('child is gone');
          await context.stop(stranger).catch(({ code }) => events.push(code));
        },
      };
    });
    await settle();
    parent.tell('go');
    await settle();
    expect(events).toEqual(['child', 'child is gone', 'WEIR_NOT_AN_ACTOR']);
  });

  it('AK3 a stop while the behaviour is still being made waits for it, and puts it away', async () => {
    const { system, settle } = testSystem();
    const made = gate();
    const events: string[] = [];
    const ref = system.spawn<never>('slow', async () => {
      await made.opened;
      return { message: () => undefined, ended: () => void events.push('ended') };
    });
    await settle();
    const stopped = system.stop(ref);
    made.open();
    await stopped;
    expect(events).toEqual(['ended']);
  });

  it('AK3 a hook that fails does not keep the actor from ending', async () => {
    const { system, settle, lines } = testSystem();
    const ref = system.spawn<never>('rude', () => ({
      message: () => undefined,
      ended: () => Promise.reject(new Error('not me')),
    }));
    await settle();
    await system.stop(ref);
    expect(system.tree()).toEqual([]);
    expect(lines.some(({ level, message }) => level === 'error' && message.includes('while it ended'))).toBe(true);
  });

  it('AK3 an actor that is stopped while its turn is under way to it gives the turn back', async () => {
    const { system, settle } = testSystem({ turnsPerPhase: 2 });
    let rounds = 0;
    const killer = system.spawn<Ref<never>>('killer', () => ({
      message(victim) {
        rounds += 1;
        void system.stop(victim);
      },
    }));
    for (let n = 0; n < 10; n += 1) {
      const victim = system.spawn<'go'>(`victim-${n}`, () => ({ message: () => undefined }));
      await settle();
      // Both are admitted in one phase, and the first turn ends the actor that would have had the second.
      killer.tell(victim);
      victim.tell('go');
      await settle();
    }
    expect(rounds).toBe(10);
    expect(system.tree()).toHaveLength(1);
  });

  it('AK3 thousands of children stop, each before its parent', async () => {
    const { system, settle } = testSystem();
    const children: Ref<never>[] = [];
    const parent = system.spawn<never>('parent', (context) => {
      for (let n = 0; n < 2_000; n += 1) {
        children.push(context.spawn<never>(`child-${n}`, () => ({ message: () => undefined })));
      }
      return { message: () => undefined };
    });
    await settle();
    await Promise.all([system.stop(parent), settle()]);
    const causes = await Promise.all(children.map((child) => system.terminated(child)));
    expect(causes.every(({ type }) => type === 'stopped')).toBe(true);
  });
});

describe('names', () => {
  for (const [name, why] of [
    ['', 'empty'],
    ['a/b', 'contains "/"'],
    ['x'.repeat(201), 'too long'],
  ] as const) {
    it(`AK3 refuses a name that is ${why}`, () => {
      const { system } = testSystem();
      expect(() => system.spawn<never>(name, () => ({ message: () => undefined }))).toThrow(
        expect.objectContaining({ code: 'WEIR_NAME_INVALID' }),
      );
    });
  }

  it('AK3 takes names that nact would refuse', () => {
    const { system } = testSystem();
    const ref = system.spawn<never>('O=Bank Ä, C=DE %20', () => ({ message: () => undefined }));
    expect(ref.path).toBe('/O=Bank Ä, C=DE %20');
  });
});
