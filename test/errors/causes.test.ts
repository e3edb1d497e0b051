import { expect, it } from 'vitest';
import { causesOf, ensureError } from '../../src/errors/index.ts';

const chain = (...messages: string[]): Error =>
  messages.reduceRight<Error | undefined>((cause, message) => new Error(message, { cause }), undefined) ?? new Error();

it('UX2 causes are told one line each, the innermost last, five at most', () => {
  expect(causesOf(chain('a', 'b\nwith a stack', 'c'))).toEqual(['b', 'c']);
  expect(causesOf(chain('a', 'b', 'c', 'd', 'e', 'f', 'g'))).toEqual(['b', 'c', 'd', 'e', 'f']);
});

it('UX2 a cause that its effect tells already is left out', () => {
  expect(causesOf(chain('cannot start: no port', 'no port', 'somebody has it'))).toEqual(['somebody has it']);
});

it.each(['text', '', undefined, null, 7, { message: 'no error' }])('UX2 what was thrown may be %j', (thrown) => {
  expect(causesOf(thrown)).toEqual([]);
  expect(causesOf(ensureError(thrown))).toEqual([]);
  expect(causesOf(new Error('outer', { cause: ensureError('inner') }))).toEqual(['inner']);
});

it('UX2 an error that is its own cause is told once', () => {
  const error = new Error('again');
  error.cause = error;
  expect(causesOf(new Error('outer', { cause: error }))).toEqual(['again']);
});
