import { describe, expect, it } from 'vitest';
import type { ChildSpec, Elsewhere } from '../../src/supervisors/index.ts';
import { puppet, supervise } from './support.ts';

/** A child that notes what it hears of what it uses. */
function listening(id: string, heard: string[], uses: readonly string[], settings: Partial<ChildSpec> = {}): ChildSpec {
  const start: ChildSpec['start'] =
    ({ onAvailability }) =>
    () => {
      onAvailability((used, available) => heard.push(`${id}: ${used} ${available ? 'is there' : 'is missing'}`));
      return { message: () => undefined, ended: () => void heard.push(`${id} ended`) };
    };
  return { id, uses, start, ...settings };
}

function neighbours(): Elsewhere & {
  readonly set: (id: string, available: boolean) => void;
  readonly listeners: number;
} {
  const there = new Set<string>();
  const listeners = new Set<() => void>();
  return {
    available: (id) => there.has(id),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set(id, available) {
      if (available) there.add(id);
      else there.delete(id);
      for (const listener of listeners) listener();
    },
    get listeners() {
      return listeners.size;
    },
  };
}

describe('what a child uses and does not need', () => {
  it('AK11 a use holds nothing up: it is shown, and its coming and going are told', async () => {
    const heard: string[] = [];
    const database = puppet('database', [], { ready: 'when-reported' });
    const { clock, settle, states, status } = supervise([listening('flow', heard, ['database']), database.spec]);
    await settle();
    expect(await states()).toBe('flow:ready database:starting');
    expect((await status())[0]).toMatchObject({ lacks: ['database'] });
    database.ready();
    await settle();
    expect((await status())[0]).not.toHaveProperty('lacks');
    database.fail('disk full');
    await settle();
    expect(await states()).toBe('flow:ready database:backoff');
    await clock.advance(100);
    database.ready();
    await settle();
    expect(heard).toEqual([
      'flow: database is missing',
      'flow: database is there',
      'flow: database is missing',
      'flow: database is there',
    ]);
  });

  it('AK11 services elsewhere come and go as their port says, and stay known over a restart of the supervisor', async () => {
    const heard: string[] = [];
    const elsewhere = neighbours();
    const { settle, status, system } = supervise(
      [listening('flow', heard, ['crypto', 'database'])],
      { elsewhere: ['crypto', 'database'] },
      { elsewhere },
      { restart: true },
    );
    elsewhere.set('crypto', true);
    await settle();
    expect((await status())[0]).toMatchObject({ state: 'ready', lacks: ['database'] });
    elsewhere.set('database', true);
    await settle();
    system.steer.crash('/supervisor', new Error('a defect'));
    await settle();
    elsewhere.set('crypto', false);
    await settle();
    expect(heard).toEqual([
      'flow: crypto is there',
      'flow: database is missing',
      'flow: database is there',
      'flow ended',
      'flow: crypto is there',
      'flow: database is there',
      'flow: crypto is missing',
    ]);
    expect(elsewhere.listeners).toBe(1);
  });

  it('AK4 an incarnation that is over hears nothing more', async () => {
    const heard: string[] = [];
    const database = puppet('database', []);
    const { act, settle } = supervise([database.spec, listening('flow', heard, ['database'])]);
    await settle();
    await act({ type: 'terminate-child', id: 'flow' });
    database.fail('boom');
    await settle();
    expect(heard).toEqual(['flow: database is missing', 'flow: database is there', 'flow ended']);
  });

  it('AK6 a listener that fails later harms nobody', async () => {
    const database = puppet('database', []);
    let told = 0;
    const touchy: ChildSpec = {
      id: 'touchy',
      uses: ['database'],
      start:
        ({ onAvailability }) =>
        () => {
          onAvailability(() => {
            told += 1;
            if (told > 1) throw new Error('mine');
          });
          return { message: () => undefined };
        },
    };
    const { clock, settle, states, escalated } = supervise([database.spec, touchy]);
    await settle();
    database.fail('boom');
    await clock.advance(100);
    expect(await states()).toBe('database:ready touchy:ready');
    expect([told, escalated]).toEqual([4, []]);
  });
});
