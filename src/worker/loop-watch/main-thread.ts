/**
 * A hand on the main thread from another one, by way of the inspector: what it runs, and how it is made to exit. Both
 * need JavaScript to run there; a thread inside of a system call hears nothing.
 */
import inspector, { type Debugger } from 'node:inspector';

export interface PausedThread {
  /** What it runs, innermost first. */
  readonly stack: readonly string[];
  /** Lets it call `process.exit`. */
  exit(code: number): void;
}

/** Calls `paused` once the main thread has been stopped where it is; perhaps never. */
export function pauseMainThread(paused: (thread: PausedThread) => void): void {
  const session = new inspector.Session();
  session.connectToMainThread();
  const scripts = new Map<string, string>();
  session.on('Debugger.scriptParsed', ({ params }) => void scripts.set(params.scriptId, params.url));
  session.once('Debugger.paused', ({ params: { callFrames } }) => {
    const frame = callFrames[0]?.callFrameId ?? '';
    paused({
      stack: callFrames.map((one) => frameText(one, scripts)),
      exit: (code) =>
        session.post('Debugger.evaluateOnCallFrame', { callFrameId: frame, expression: `process.exit(${code})` }),
    });
  });
  session.post('Debugger.enable', () => session.post('Debugger.pause'));
}

function frameText(
  { functionName, location: { scriptId, lineNumber, columnNumber = 0 } }: Debugger.CallFrame,
  scripts: ReadonlyMap<string, string>,
): string {
  return `${functionName || '(anonymous)'} (${scripts.get(scriptId) ?? scriptId}:${lineNumber + 1}:${columnNumber + 1})`;
}
