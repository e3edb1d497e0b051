import { describe, expect, it } from 'vitest';
import type { ActorEvent } from '../../../src/actors/kernel/index.ts';
import { escalate, restartAtOnce, testSystem } from './support.ts';

const boom = new Error('boom');

function told(events: readonly ActorEvent[]): string[] {
  return events.map(({ type, path, why }) => (why === undefined ? `${type} ${path}` : `${type} ${path} (${why})`));
}

describe('events of actors', () => {
  it('AK13 tells start, failure, restart, suspension and stop, in order, with their causes', async () => {
    const { system, settle } = testSystem();
    const ref = system.spawn<never>('one', () => ({ message: () => undefined }), restartAtOnce);
    await settle();
    system.steer.crash('/one', boom);
    await settle();
    system.steer.suspend('/one');
    system.steer.resume('/one');
    await system.stop(ref);
    expect(told(system.events.since(0).events)).toEqual([
      'started /one',
      'failed /one (boom)',
      'restarted /one',
      'suspended /one',
      'resumed /one',
      'stopped /one (stopped)',
    ]);
  });

  it('AK13 tells and counts each name that was refused, with who has asked for it', async () => {
    const { system, settle } = testSystem();
    const ref = system.spawn<never>(
      'parent',
      (context) => {
        context.spawn<never>('child', () => ({ message: () => undefined }));
        expect(() => context.spawn<never>('child', () => ({ message: () => undefined }))).toThrow(/in use/);
        return { message: () => undefined };
      },
      escalate,
    );
    await settle();
    expect(() => system.spawn<never>('parent', () => ({ message: () => undefined }))).toThrow(/in use/);
    expect(() => system.spawn<never>('a/b', () => ({ message: () => undefined }))).toThrow(/name/);
    const { events } = system.events.since(0);
    expect(told(events.filter(({ type }) => type === 'name-refused')).map((line) => line.replace(/ \(.*/, ''))).toEqual(
      ['name-refused /parent/child', 'name-refused /parent', 'name-refused /a/b'],
    );
    expect(system.events.counts().get('name-refused')).toBe(3);
    await system.stop(ref);
  });

  it('MO4 an escalation is told at each level that it passes, with the chain of causes', async () => {
    const { system, settle } = testSystem();
    system.spawn<never>(
      'parent',
      (context) => {
        context.spawn<never>('child', () => ({ message: () => undefined }), escalate);
        return { message: () => undefined };
      },
      escalate,
    );
    await settle();
    system.steer.crash('/parent/child', boom);
    await settle();
    expect(told(system.events.since(0).events).filter((line) => line.startsWith('escalated'))).toEqual([
      'escalated /parent/child (boom)',
      'escalated /parent (/parent/child failed and could not be helped)',
    ]);
  });

  it('AK8 a dead letter is told with its reason and its type tag, never with its contents', async () => {
    const { system } = testSystem();
    const ref = system.spawn<{ type: 'pay'; card: string }>('one', () => ({ message: () => undefined }));
    await system.stop(ref);
    ref.tell({ type: 'pay', card: '4111 1111' });
    expect(told(system.events.since(0).events).at(-1)).toBe('dead-letter /one (dead: pay)');
    expect(JSON.stringify(system.events.since(0))).not.toContain('4111');
  });

  it('AK13 is bounded: a storm of one type pushes out only its own, and says how many are missing', async () => {
    const { system, settle } = testSystem();
    const kept = system.spawn<never>('kept', () => ({ message: () => undefined }), restartAtOnce);
    await settle();
    system.steer.crash('/kept', boom);
    await settle();
    const gone = system.spawn<number>('gone', () => ({ message: () => undefined }));
    await system.stop(gone);
    for (let n = 0; n < 10_000; n += 1) gone.tell(n);
    const { events, missed, next } = system.events.since(0);
    expect(events.length).toBeLessThan(1_000);
    expect(told(events)).toContain('restarted /kept');
    expect(missed).toBe(next - events.length);
    expect(system.events.counts().get('dead-letter')).toBe(10_000);
    expect(system.events.since(next)).toEqual({ events: [], next, missed: 0 });
    await system.stop(kept);
    expect(told(system.events.since(next).events)).toEqual(['stopped /kept (stopped)']);
  });

  it('AK13 a listener that fails, or that causes events itself, disturbs nobody', async () => {
    const { system, lines, settle } = testSystem();
    const gone = system.spawn<string>('gone', () => ({ message: () => undefined }));
    await system.stop(gone);
    const heard: string[] = [];
    system.events.listen(() => {
      throw boom;
    });
    const end = system.events.listen(({ type }) => {
      heard.push(type);
      gone.tell('again');
    });
    system.spawn<never>('one', () => ({ message: () => undefined }));
    await settle();
    expect(heard).toEqual(['started']);
    expect(system.events.since(0).events.at(-1)?.type).toBe('dead-letter');
    expect(lines).toContainEqual(expect.objectContaining({ message: 'a listener for events of actors failed' }));
    end();
    system.spawn<never>('two', () => ({ message: () => undefined }));
    await settle();
    expect(heard).toEqual(['started']);
  });
});
