import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/ports/index.ts';
import { describeWaiting, type SupervisorSpec, supervisor } from '../../src/supervisors/index.ts';

const start = () => () => ({ message: () => undefined });
const valid: SupervisorSpec = {
  strategy: 'one-for-one',
  intensity: { max: 5, within: '10 s' },
  backoff: { min: '100 ms', max: '10 s', jitter: 0.2 },
  children: [{ id: 'a', start }],
};

describe('supervision specification', () => {
  it('AK5 a valid one is taken', () => {
    expect(supervisor(valid, { random: seededRandom(1) })).toBeTypeOf('function');
  });

  const wrong: readonly (readonly [string, SupervisorSpec, string, RegExp])[] = [
    ['all-for-one', { ...valid, strategy: 'all-for-one' }, 'strategy', /not implemented yet/],
    ['rest-for-one', { ...valid, strategy: 'rest-for-one' }, 'strategy', /not implemented yet/],
    ['a negative intensity', { ...valid, intensity: { max: -1, within: 1 } }, 'intensity.max', /./],
    [
      'a bad duration',
      { ...valid, intensity: { max: 1, within: 'soon' as never } },
      'intensity.within',
      /not a duration/,
    ],
    ['a backoff upside down', { ...valid, backoff: { min: 2, max: 1, jitter: 0 } }, 'backoff', /longer than max/],
    ['too much jitter', { ...valid, backoff: { min: 1, max: 2, jitter: 2 } }, 'backoff.jitter', /./],
    ['no children', { ...valid, children: [] }, 'children', /./],
    ['an id with a slash', { ...valid, children: [{ id: 'a/b', start }] }, 'children[0].id', /must not contain/],
    [
      'an id used twice',
      { ...valid, children: [...valid.children, { id: 'a', start }] },
      'children[1].id',
      /id of children\[0\] already/,
    ],
    [
      'an unknown need',
      { ...valid, children: [{ id: 'a', start, needs: ['b'] }] },
      'children[0].needs[0]',
      /there is no child "b"/,
    ],
    ['a child that needs itself', { ...valid, children: [{ id: 'a', start, needs: ['a'] }] }, 'children', /a -> a/],
    [
      'a circle of needs',
      {
        ...valid,
        children: [
          { id: 'a', start, needs: ['b'] },
          { id: 'b', start, needs: ['a'] },
        ],
      },
      'children',
      /a -> b -> a/,
    ],
  ];
  for (const [what, spec, path, why] of wrong) {
    it(`AK5 refuses ${what} before anything starts, and names the place`, () => {
      const refused = (): unknown => supervisor(spec, { random: seededRandom(1) });
      expect(refused).toThrow(
        expect.objectContaining({
          code: 'WEIR_SUPERVISION_INVALID',
          context: { path, why: expect.stringMatching(why) },
        }),
      );
    });
  }

  it('AK11 a chain of waiting reads as a sentence', () => {
    const sentences = describeWaiting([
      { id: 'log', state: 'backoff', waitsOn: [], restarts: 1, lastFailure: 'disk full' },
      { id: 'flow-engine', state: 'waiting', waitsOn: ['log'], restarts: 0 },
      { id: 'rpc', state: 'waiting', waitsOn: ['flow-engine'], restarts: 0 },
    ]);
    expect(sentences).toEqual([
      'flow-engine waits on log (backoff: disk full)',
      'rpc waits on flow-engine, which waits on log (backoff: disk full)',
    ]);
  });
});
