import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ActorSystem, Behavior, Decision, Ref } from '../../../src/actors/kernel/index.ts';
import { testSystem } from './support.ts';

type Order = 'work' | 'wait' | 'crash' | 'reject' | 'stash' | 'unstash' | 'timer' | 'forward' | 'finish';

const orders: readonly Order[] = ['work', 'wait', 'crash', 'reject', 'stash', 'unstash', 'timer', 'forward', 'finish'];

/** An actor that does what it is told, the bad things too. */
function obedient(next: () => Ref<Order> | undefined): Behavior<Order> {
  return (context) => ({
    message(order) {
      switch (order) {
        case 'wait':
          return new Promise((resolve) => void context.clock.after(5, resolve));
        case 'crash':
          throw new Error('told to');
        case 'reject':
          return Promise.reject(new Error('told to'));
        case 'stash':
          context.stash('work');
          return;
        case 'unstash':
          return context.unstashAll();
        case 'timer':
          return context.startTimer('t', 'work', 3);
        case 'forward':
          next()?.tell('work');
          return;
        case 'finish':
          return context.finish();
        case 'work':
          return;
      }
    },
  });
}

function balance(system: ActorSystem): readonly [number, number] {
  const { accepted, handled, deadLettered, queued } = system.counts();
  return [accepted, handled + deadLettered + queued];
}

describe('conservation of messages', () => {
  it('AK15 every accepted message is handled, dead-lettered or queued, whatever actors do', async () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ to: fc.nat(3), order: fc.constantFrom(...orders) }) },
      { weight: 1, arbitrary: fc.record({ advance: fc.nat(20) }) },
      { weight: 1, arbitrary: fc.record({ stop: fc.nat(3) }) },
    );
    const decisions: readonly Decision['type'][] = ['restart', 'stop', 'escalate'];
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.constantFrom(...decisions),
      fc.nat(10),
      fc.integer({ min: 1, max: 4 }),
      async (steps, decision, delayMs, capacity) => {
        const { clock, system } = testSystem({ turnsPerPhase: 2 });
        let letters = 0;
        let accepted = 0;
        system.onDeadLetter(({ reason }) => {
          if (reason !== 'full') letters += 1;
        });
        const refs: Ref<Order>[] = [];
        const onFailure = (): Decision => (decision === 'restart' ? { type: decision, delayMs } : { type: decision });
        for (let n = 0; n < 4; n += 1) {
          const behavior = obedient(() => refs[(n + 1) % 4]);
          refs.push(system.spawn(`actor-${n}`, behavior, { capacity, onFailure, shutdownMs: 2 }));
        }
        for (const each of steps) {
          if ('advance' in each) await clock.advance(each.advance);
          else if ('stop' in each) void system.stop(refs[each.stop] ?? expect.unreachable());
          else if (refs[each.to]?.tell(each.order) === 'accepted') accepted += 1;
          const [all, accounted] = balance(system);
          expect(accounted).toBe(all);
        }
        await Promise.all([system.terminate(), clock.advance(1_000)]);
        const counts = system.counts();
        expect(counts.queued).toBe(0);
        expect(counts.deadLettered).toBe(letters);
        expect(counts.handled + counts.deadLettered).toBe(counts.accepted);
        expect(counts.accepted).toBeGreaterThanOrEqual(accepted);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });

  it('AK15 holds within a turn, too', async () => {
    const { system, settle } = testSystem();
    const balances: (readonly [number, number])[] = [];
    const ref = system.spawn<number>('looking', () => ({ message: () => void balances.push(balance(system)) }));
    for (let n = 0; n < 3; n += 1) ref.tell(n);
    await settle();
    expect(balances).toEqual([
      [3, 3],
      [3, 3],
      [3, 3],
    ]);
  });
});
