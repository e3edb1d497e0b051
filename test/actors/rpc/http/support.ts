/** A node on a directory of its own that listens on a free port, and a client for it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  pinoLogger,
  type StartedNode,
  type StartNodeSettings,
  silentLogger,
  startNode,
} from '../../../../src/index.ts';
import * as flows from '../../../fixtures/flows.ts';
import { type Answer, type ApiDocument, apiDocument } from './document.ts';

export type { Answer } from './document.ts';

export const everyFlow = Object.values(flows).filter((value) => 'stages' in value);

/** A temporary directory that goes when the test does. */
export async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'weir-http-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export interface Served {
  readonly node: StartedNode;
  readonly url: string;
  readonly api: Client;
  readonly data: string;
}

export async function served(settings: Partial<StartNodeSettings> = {}): Promise<Served> {
  const data = settings.data ?? (await temporary());
  const node = await startNode({
    members: { ACME: { flows: everyFlow }, 'O=Other, C=DE': { group: 'test', flows: [flows.double] } },
    shards: 2,
    logger: silentLogger,
    http: { port: 0 },
    ...settings,
    data,
  });
  onTestFinished(() => {
    // Broken flows are broken for the next test too, also of another file.
    flows.repairs.done = false;
    return node.stop();
  });
  const { url = '' } = node;
  return { node, url, data, api: client(url) };
}

export interface Client {
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  send(method: string, path: string, headers?: Record<string, string>, body?: string): Promise<Answer>;
  /** Starts a flow of ACME. */
  start(clientRequestId: string, flow: string, input: unknown, query?: string): Promise<Answer>;
}

/**
 * Plain `node:http`, which sends whatever headers it is told to (fetch would not). Each answer is held to the document
 * of the node's routes.
 */
export function client(url: string): Client {
  const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const request = httpRequest(new URL(path, url), { method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const json = response.headers['content-type']?.includes('json') === true;
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            body: json && text !== '' ? JSON.parse(text) : undefined,
          });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  let document: Promise<ApiDocument> | undefined;
  const send: Client['send'] = async (method, path, headers, body) => {
    document ??= ask('GET', '/openapi.json').then(({ text }) => apiDocument(text));
    const { check } = await document;
    const answer = await ask(method, path, headers, body);
    check(method, path, answer);
    return answer;
  };
  const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
    send('POST', path, { 'content-type': 'application/json', ...headers }, JSON.stringify(body));
  return {
    send,
    post,
    get: (path, headers) => send('GET', path, headers),
    start: (clientRequestId, flow, input, query = '') =>
      post(`/api/v1/members/ACME/flows${query}`, { clientRequestId, flow, input }),
  };
}

/** A logger, and the lines it has written. */
export function capturedLog() {
  const lines: Record<string, unknown>[] = [];
  const logger = pinoLogger({ destination: { write: (line) => void lines.push(JSON.parse(line)) } });
  return { logger, lines };
}
