/**
 * Runs a part of the bench in a process of its own, so that no part measures the heap, the threads or the compiled
 * code of another. A part is a module that exports `measure`; what it returns travels as a message.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A module of this folder and the argument of its `measure`. */
export async function measureApart<Result>(module: string, argument?: unknown): Promise<Result> {
  const child = forkModule('part.ts', [module, JSON.stringify(argument ?? null)]);
  const result = await nextMessage<Result>(child);
  await ended(child);
  return result;
}

/** @param options of Node.js, beside the one that lets it collect garbage when it is asked to */
export function forkModule(module: string, args: readonly string[], options: readonly string[] = []): ChildProcess {
  const file = new URL(module, import.meta.url).pathname;
  // What a part prints is progress: standard output belongs to the tables.
  return fork(file, args, { execArgv: ['--expose-gc', ...options], stdio: ['ignore', 2, 2, 'ipc'] });
}

/** The next message of a child. @throws Error when it ends without one */
export function nextMessage<Message>(child: ChildProcess): Promise<Message> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null, signal: string | null): void =>
      reject(new Error(`a process of the bench ended early (${signal ?? code})`));
    child.once('exit', gone);
    child.once('message', (message) => {
      child.off('exit', gone);
      // Both ends are of this folder, and each knows what the other says.
      resolve(message as Message);
    });
  });
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

export function tell(message: unknown): void {
  process.send?.(message);
}

/** A progress line. */
export function progress(line: string): void {
  process.stderr.write(`  ${line}\n`);
}
