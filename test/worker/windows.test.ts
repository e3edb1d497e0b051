import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { protocol } from '../../src/index.ts';
import { relations, type WindowSettings, windowsOf } from '../../src/worker/windows.ts';

const day = 24 * 60 * 60 * 1_000;

describe('the windows of a node', () => {
  it('SM3 W4 have defaults that fit each other, also where one of them is set', () => {
    expect(windowsOf({})).toEqual({
      ...{ resend: 1_000, request: 30_000, redeliver: day, retention: day, audit: 30 * day },
      ...{ hospital: 7 * day, stepTimeout: 600_000, idle: 30 * day },
    });
    expect(windowsOf({ retention: '1 hour' })).toMatchObject({ redeliver: day / 24, audit: 30 * day });
    expect(windowsOf({ retention: '90 days' })).toMatchObject({ redeliver: day, audit: 90 * day });
    expect(windowsOf({ hospital: '40 days' })).toMatchObject({ idle: 80 * day });
    expect(windowsOf({ retention: '90 days', redeliver: '60 days' })).toMatchObject({ idle: 60 * day });
  });

  it.each<[shorter: string, longer: string, settings: WindowSettings, message: string, remedy: string]>([
    [
      ...(['redeliver', 'retention', { retention: '1 hour', redeliver: '1 day' }] as const),
      'redeliver (1 day) is longer than retention (1 hour): a message could arrive when the flow that took it is forgotten',
      'lengthen retention, or shorten redeliver; nothing was started',
    ],
    [
      ...(['resend', 'redeliver', { redeliver: 500 }] as const),
      'the pause before a message is sent again for the first time (1 s) is longer than redeliver (500 ms): a message that gets lost once would be given up',
      'lengthen redeliver; nothing was started',
    ],
    [
      ...(['request', 'retention', { retention: '10 s' }] as const),
      'the time that a start may take (30 s) is longer than retention (10 s): a start could arrive when the flow that it has started is forgotten',
      'lengthen retention; nothing was started',
    ],
    [
      ...(['retention', 'audit', { retention: '90 min', audit: '1 hour' }] as const),
      'retention (90 min) is longer than audit (1 hour): a flow could be asked for of which nobody knows who started it',
      'lengthen audit, or shorten retention; nothing was started',
    ],
    [
      ...(['redeliver', 'idle', { hospital: '1 hour', idle: '2 hours' }] as const),
      'redeliver (1 day) is longer than idle (2 hours): a session would time out while its messages are still tried',
      'lengthen idle, or shorten redeliver; nothing was started',
    ],
    [
      ...(['stepTimeout', 'idle', { redeliver: '1 min', hospital: '1 min', idle: '5 min' }] as const),
      'stepTimeout (10 min) is longer than idle (5 min): the peers of a flow would give up before the attempt of a step has to have ended',
      'lengthen idle, or shorten stepTimeout; nothing was started',
    ],
    [
      ...(['hospital', 'idle', { idle: '2 days' }] as const),
      'hospital (7 days) is longer than idle (2 days): the peers of a STUCK flow would give up before an operator has to have acted',
      'lengthen idle, or shorten hospital; nothing was started',
    ],
  ])(
    'W4 %s beyond %s is one error that names both, why, and what to do',
    (shorter, longer, settings, message, remedy) => {
      expect(() => windowsOf(settings)).toThrow(
        expect.objectContaining({
          code: 'WEIR_CONFIGURATION_WINDOWS',
          message: `times do not fit each other: ${message}`,
          remedy,
          context: expect.objectContaining({ shorter, longer }),
        }),
      );
    },
  );

  it('W4 every relation has its case above, and its line in the documentation', () => {
    const documented = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'configuration.md'), 'utf8');
    expect(relations).toHaveLength(7);
    for (const { because } of relations) expect(documented).toContain(because);
  });

  it('W4 several at once are told together', () => {
    const wrong = { retention: '1 hour', redeliver: '2 hours', idle: '1 min' } as const;
    expect(() => windowsOf(wrong)).toThrow(
      /: redeliver \(2 hours\) is longer than retention .*; redeliver \(2 hours\) is longer than idle .*; hospital /,
    );
  });

  it.each([
    ['soon', /idle: .*"soon" is not a duration/],
    [0, /idle is no time at all/],
  ])('SM13 a protocol refuses %s as that time', (idle, why) => {
    const wrong = { version: 1, initiator: {}, responder: {}, idle: idle as never };
    expect(() => protocol('wrong', wrong)).toThrow(why);
  });

  it('a protocol refuses a name that no peer would take', () => {
    const long = 'x'.repeat(1_001);
    expect(() => protocol(long, { version: 1, initiator: {}, responder: {} })).toThrow(/1001 characters, the limit/);
  });
});
