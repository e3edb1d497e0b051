import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WeirError } from '../../src/errors/index.ts';
import { type Logger, type PinoLoggerSettings, pinoLogger } from '../../src/ports/index.ts';

/** A logger and the lines it wrote. */
function logged(settings: PinoLoggerSettings, use: (logger: Logger) => void): string[] {
  const lines: string[] = [];
  use(pinoLogger({ destination: { write: (line) => lines.push(line) }, clock: { now: () => 0 }, ...settings }));
  return lines;
}

function fields(settings: PinoLoggerSettings, use: (logger: Logger) => void): Record<string, unknown> {
  return JSON.parse(logged(settings, use)[0] ?? '{}');
}

describe('pino logger', () => {
  it('a line has level, time of the clock, process, fields and the sentence', () => {
    expect(fields({}, (log) => log.info({ flow: 'f1' }, 'started'))).toEqual({
      level: 30,
      time: '1970-01-01T00:00:00.000Z',
      pid: process.pid,
      flow: 'f1',
      msg: 'started',
    });
  });

  it('fields of a child are on each of its lines', () => {
    const line = fields({}, (log) => log.child({ flow: 'f1' }).child({ member: 'm' }).warn({ step: 2 }, 'slow'));
    expect(line).toMatchObject({ flow: 'f1', member: 'm', step: 2, msg: 'slow', level: 40 });
  });

  it('less important lines than the level are dropped', () => {
    expect(logged({ level: 'warn' }, (log) => log.info({}, 'a'))).toEqual([]);
    expect(logged({ level: 'silent' }, (log) => log.error({}, 'a'))).toEqual([]);
    expect(logged({ level: 'debug' }, (log) => log.debug({}, 'a'))).toHaveLength(1);
  });

  it('writes to a file whose directory it makes', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'weir-log-')), 'deep', 'node.log');
    pinoLogger({ destination: file }).error({ a: 1 }, 'fact');
    expect(readFileSync(file, 'utf8')).toContain('"msg":"fact"');
  });
});

describe('pino logger: redaction', () => {
  it.each([
    'password',
    'passphrase',
    'secret',
    'clientSecret',
    'token',
    'accessToken',
    'authorization',
    'Authorization',
    'set-cookie',
    'privateKey',
    'private_key',
    'apiKey',
    'keyMaterial',
    'credentials',
  ])('a field named %s never shows its value', (name) => {
    const value = { [name]: 'hunter2', a: [{ b: { [name]: { inner: 'hunter2' } } }], m: new Map([[name, 'hunter2']]) };
    for (const level of ['debug', 'info'] as const) {
      const text = logged({ level }, (log) => log.child(value).info(value, 'x')).join('');
      expect(text).not.toContain('hunter2');
      expect(text).toContain('[redacted]');
    }
  });

  it('a private key is recognised by its look, wherever it stands', () => {
    const pem = '-----BEGIN EC PRIVATE KEY-----\nhunter2\n-----END EC PRIVATE KEY-----';
    const text = logged({}, (log) => log.info({ note: pem, list: [pem], error: new Error(pem) }, 'x')).join('');
    expect(text).not.toContain('hunter2');
  });

  it('names that only sound alike are shown', () => {
    expect(fields({}, (log) => log.info({ key: 'k', partitionKey: 'p', author: 'a' }, 'x'))).toMatchObject({
      key: 'k',
      partitionKey: 'p',
      author: 'a',
    });
  });

  it('secrets in the context of an error are redacted too', () => {
    const error = new Error('refused', {
      cause: Object.assign(new Error('inner'), { code: 'ECONN', token: 'hunter2' }),
    });
    expect(logged({}, (log) => log.error({ error }, 'x')).join('')).not.toContain('hunter2');
  });
});

describe('pino logger: errors and odd values', () => {
  const error = new WeirError('WEIR_LOG_DISK_FULL', { directory: '/d' }, new TypeError('no space'));

  it('an error is shown with code, remedy, context and cause, without stacks', () => {
    expect(fields({}, (log) => log.error({ error }, 'stalled')).error).toEqual({
      name: 'WeirError',
      message: error.message,
      code: 'WEIR_LOG_DISK_FULL',
      remedy: error.remedy,
      retryable: true,
      context: { directory: '/d' },
      cause: { name: 'TypeError', message: 'no space' },
    });
  });

  it("an error under pino's own name for it is shown in the same way", () => {
    expect(fields({}, (log) => log.error({ err: error }, 'stalled')).err).toMatchObject({ code: 'WEIR_LOG_DISK_FULL' });
  });

  it('an error is shown with its stack at debug', () => {
    const shown = fields({ level: 'debug' }, (log) => log.error({ cause: error }, 'stalled')).cause;
    expect(shown).toMatchObject({ stack: error.stack, cause: { stack: expect.stringContaining('no space') } });
  });

  it('values that JSON does not know are shown as text', () => {
    const line = fields({}, (log) =>
      log.info(
        {
          big: 2n ** 70n,
          bytes: new Uint8Array(32),
          at: new Date(0),
          never: new Date(Number.NaN),
          run: () => 1,
          sign: Symbol('s'),
          set: new Set([1]),
          map: new Map([['a', 1n]]),
          nothing: undefined,
        },
        'x',
      ),
    );
    expect(line).toMatchObject({
      big: '1180591620717411303424',
      bytes: '[32 bytes]',
      at: '1970-01-01T00:00:00.000Z',
      never: 'an invalid date',
      run: '[function]',
      sign: 'Symbol(s)',
      set: [1],
      map: { a: '1' },
    });
    expect(line).not.toHaveProperty('nothing');
  });

  it('a cyclic field, a wide one and a getter that throws still give a line of bounded length', () => {
    const cyclic: Record<string, unknown> = { list: Array.from({ length: 500 }, () => ({ a: [1, 2, 3] })) };
    cyclic.self = cyclic;
    const [line = ''] = logged({}, (log) => log.info({ cyclic, text: 'x'.repeat(100_000) }, 'x'));
    expect(line.length).toBeLessThan(100_000);
    const thrower = {
      get a(): never {
        throw new Error('no');
      },
    };
    expect(fields({}, (log) => log.info({ thrower }, 'x')).fieldsUnreadable).toBe('Error: no');
  });
});

describe('pino logger: lines for people', () => {
  it('a pretty line has time, level, sentence and fields', () => {
    const lines = logged({ pretty: true }, (log) => log.warn({ flow: 'f1', why: 'no "space"', n: 3 }, 'stalled'));
    expect(lines).toEqual(['00:00:00.000 WARN  stalled flow=f1 why="no \\"space\\"" n=3\n']);
  });
});
