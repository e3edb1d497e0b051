/** The real command in processes of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';

const main = resolve('src/cli/main.ts');
const fixtures = resolve('test/fixtures/flows.ts');

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

type Environment = Readonly<Record<string, string>>;

/** A `weir` that goes on; it is killed when the test ends. */
export function start(args: readonly string[], environment: Environment = {}): ChildProcessWithoutNullStreams {
  // Nor what npm says of how the tests were started: hints would be for that.
  const kept = Object.entries(process.env).filter(([name]) => !/^(?:WEIR_|npm_|NODE_OPTIONS$)/.test(name));
  const child = spawn(process.execPath, [main, ...args], { env: { ...Object.fromEntries(kept), ...environment } });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  let out = '';
  let error = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    error += chunk;
  });
  return new Promise((done) => child.on('close', (code) => done({ code, out, error })));
}

/** Runs `weir` to its end. */
export function weir(args: readonly string[], { stdin = '', ...environment }: Environment = {}): Promise<Outcome> {
  const child = start(args, environment);
  child.stdin.end(stdin);
  return outcomeOf(child);
}

/** A folder with a `weir.yaml` whose member ACME runs the flows of the fixtures. */
export async function nodeFolder(more = '', level = 'error'): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'weir-cli-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const yaml = `data: ./data\nshards: 2\nhttp: { port: 0 }\nlog: { level: ${level} }\nmembers: { ACME: { flows: ['${fixtures}'] } }\n${more}`;
  await writeFile(join(directory, 'weir.yaml'), yaml);
  return directory;
}

/** An address where nobody listens. */
export async function silentUrl(): Promise<string> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
}

/** A `weir` that goes on, and what it has written so far. */
export interface Followed {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Outcome>;
  /** Resolves when it has written this; rejects when it ends before. */
  told(text: string | RegExp): Promise<void>;
  /** The same of what it has written to standard error. */
  noted(text: string | RegExp): Promise<void>;
}

export function followed(args: readonly string[], environment: Environment = {}): Followed {
  const child = start(args, environment);
  const ended = outcomeOf(child);
  const wait = (stream: NodeJS.ReadableStream) => {
    let written = '';
    const looking = new Set<() => void>();
    stream.on('data', (chunk) => {
      written += chunk;
      for (const look of [...looking]) look();
    });
    return (text: string | RegExp): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (typeof text === 'string' ? !written.includes(text) : !text.test(written)) return;
          looking.delete(look);
          resolve();
        };
        looking.add(look);
        void ended.then(({ out, error }) => reject(new Error(`it ended: ${out}${error}`)));
        look();
      });
  };
  return { child, ended, told: wait(child.stdout), noted: wait(child.stderr) };
}

export interface Up extends Followed {
  readonly url: string;
  /** Runs a command against this node. */
  weir(...args: string[]): Promise<Outcome>;
}

/** `weir up` in a folder with a `weir.yaml`, once it has said where it listens. */
export function up(directory: string, ...args: string[]): Promise<Up> {
  return upWith(['--config', join(directory, 'weir.yaml'), ...args]);
}

/** `weir up` with these options. */
export async function upWith(args: readonly string[], environment: Environment = {}): Promise<Up> {
  const node = followed(['up', ...args], environment);
  let out = '';
  node.child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  const place = /Weir is up at (\S+)/;
  await node.told(place);
  const url = place.exec(out)?.[1] ?? '';
  return { ...node, url, weir: (...rest) => weir([...rest, '--url', url]) };
}
