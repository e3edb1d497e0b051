/** What the commands are given: a way to a node, a terminal, and how to say how it went. */
import type { ExitCode } from './exit-codes.ts';
import type { NodeClient } from './node-client.ts';
import type { Terminal } from './output.ts';

export interface CommandContext {
  readonly terminal: Terminal;
  readonly stdin: NodeJS.ReadableStream;
  /** @param waitMs the longest that a request waits by itself */
  readonly client: (waitMs?: number) => NodeClient;
  /** Address of that node. */
  readonly url: () => string;
  /** Whether the command line itself names it. */
  readonly urlGiven: () => boolean;
  /** Whether answers are wanted as JSON. */
  readonly json: () => boolean;
  /** The exit code, when it is not 0. */
  readonly done: (code: ExitCode) => void;
}
