import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/ports/index.ts';
import { describeWaiting, type SupervisorSpec, shutdownMsOf, supervisor } from '../../src/supervisors/index.ts';

const start = () => () => ({ message: () => undefined });
const valid: SupervisorSpec = {
  strategy: 'one-for-one',
  intensity: { max: 5, within: '10 s' },
  backoff: { min: '100 ms', max: '10 s', jitter: 0.2 },
  children: [{ id: 'a', start }],
};

const make = (spec: unknown): unknown => supervisor(spec as never, { random: seededRandom(1) });
const withChild = (child: object): object => ({ ...valid, children: [{ id: 'a', start, ...child }] });

describe('supervision specification', () => {
  for (const strategy of ['one-for-one', 'all-for-one', 'rest-for-one'] as const) {
    it(`AK5 a valid one is taken: ${strategy}`, () => {
      expect(make({ ...valid, strategy })).toBeTypeOf('function');
    });
  }

  it('AK5 everything that can be said of a supervisor and of a child is taken', () => {
    const spec: SupervisorSpec = {
      ...valid,
      intensity: { max: Number.POSITIVE_INFINITY, within: '1 h' },
      elsewhere: ['far'],
      autoShutdown: 'any-significant',
      children: [
        {
          id: 'a',
          start,
          restart: 'transient',
          shutdown: 'infinite',
          uses: ['b', 'far'],
          ready: 'when-reported',
          startWithin: '1 min',
          turnWithin: 500,
          capacity: 10,
          significant: true,
          inspect: () => ({}),
        },
        { id: 'b', start, needs: ['a'] },
      ],
    };
    expect(make(spec)).toBeTypeOf('function');
    expect(make({ ...valid, strategy: 'simple-one-for-one', children: [] })).toBeTypeOf('function');
  });

  const wrong: readonly (readonly [string, unknown, string, RegExp])[] = [
    ['nothing at all', undefined, 'the top', /./],
    ['an unknown strategy', { ...valid, strategy: 'two-for-one' }, 'strategy', /one-for-one/],
    ['an unknown setting', { ...valid, strategie: 1 }, 'strategie', /no such setting/],
    ['an unknown setting of a child', withChild({ need: ['b'] }), 'children[0].need', /no such setting/],
    ['a negative intensity', { ...valid, intensity: { max: -1, within: 1 } }, 'intensity.max', /whole number/],
    ['half a restart', { ...valid, intensity: { max: 0.5, within: 1 } }, 'intensity.max', /whole number/],
    ['a bad duration', { ...valid, intensity: { max: 1, within: 'soon' } }, 'intensity.within', /not a duration/],
    ['a backoff upside down', { ...valid, backoff: { min: 2, max: 1, jitter: 0 } }, 'backoff', /longer than max/],
    ['too much jitter', { ...valid, backoff: { min: 1, max: 2, jitter: 2 } }, 'backoff.jitter', /./],
    ['no children', { ...valid, children: [] }, 'children', /at least one/],
    [
      'a simple-one-for-one with children',
      { ...valid, strategy: 'simple-one-for-one' },
      'children',
      /started by message/,
    ],
    ['an unknown restart type', withChild({ restart: 'sometimes' }), 'children[0].restart', /./],
    ['an unknown shutdown', withChild({ shutdown: 'gentle' }), 'children[0].shutdown', /not a duration/],
    ['a start that is no function', withChild({ start: {} }), 'children[0].start', /must be a function/],
    ['an id with a slash', withChild({ id: 'a/b' }), 'children[0].id', /must not contain/],
    [
      'an id used twice',
      { ...valid, children: [...valid.children, { id: 'a', start }] },
      'children[1].id',
      /id of children\[0\] already/,
    ],
    [
      'an unknown need',
      {
        ...valid,
        children: [
          { id: 'log', start },
          { id: 'rpc', start, needs: ['lgo'] },
        ],
      },
      'children[1].needs[0]',
      /there is no child "lgo" \(did you mean "log"\?\)/,
    ],
    ['a child that needs itself', withChild({ needs: ['a'] }), 'children[0].needs[0]', /cannot need itself/],
    [
      'a need named twice',
      {
        ...valid,
        children: [
          { id: 'a', start },
          { id: 'b', start, needs: ['a', 'a'] },
        ],
      },
      'children[1].needs[1]',
      /named twice/,
    ],
    [
      'a circle of needs',
      {
        ...valid,
        children: [
          { id: 'c', start },
          { id: 'a', start, needs: ['c', 'b'] },
          { id: 'b', start, needs: ['a'] },
        ],
      },
      'children[1].needs[1]',
      /a -> b -> a/,
    ],
    ['a use that is nowhere', withChild({ uses: ['far'] }), 'children[0].uses[0]', /neither as a child nor elsewhere/],
    ['a child that uses itself', withChild({ uses: ['a'] }), 'children[0].uses[0]', /cannot use itself/],
    [
      'a use that is a need',
      {
        ...valid,
        children: [
          { id: 'a', start },
          { id: 'b', start, needs: ['a'], uses: ['a'] },
        ],
      },
      'children[1].uses[0]',
      /needed already/,
    ],
  ];
  for (const [what, spec, path, why] of wrong) {
    it(`AK5 refuses ${what} before anything starts, and names the place`, () => {
      expect(() => make(spec)).toThrow(
        expect.objectContaining({
          code: 'WEIR_SUPERVISION_INVALID',
          context: { path, why: expect.stringMatching(why) },
        }),
      );
    });
  }

  it('AK5 one error names all mistakes, those between children too', () => {
    const children = [
      { id: 'a', start, restart: 'sometimes' },
      { id: 'b', start },
      { id: 'c', start: 1, needs: ['b'] },
      { id: 'd', start, needs: ['x', 'b', 'c'] },
      { id: 'b', start },
    ];
    const spec = { ...valid, backoff: { min: 2, max: 1, jitter: 0 }, intensity: { max: 1, within: 'soon' }, children };
    expect(() => make(spec)).toThrow(
      /at intensity\.within: .*; at children\[0\]\.restart: .*; at children\[2\]\.start: .*; at backoff: .*; at children\[3\]\.needs\[0\]: .*; at children\[4\]\.id: /,
    );
  });

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

  it('AK3 a supervisor is given the time that its children may need one after the other', () => {
    const children = [
      { id: 'a', start },
      { id: 'b', start, shutdown: '2 s' },
      { id: 'c', start, shutdown: 'brutal' },
    ] as const;
    expect(shutdownMsOf({ ...valid, children })).toBe(8_000);
    expect(shutdownMsOf({ ...valid, children: [...children, { id: 'd', start, shutdown: 'infinite' }] })).toBe(
      Number.POSITIVE_INFINITY,
    );
  });
});
