/** Signals that end what runs in the foreground. */
import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM'] as const;

/**
 * Calls `asked` with the first signal, which asks for an orderly end, and `insisted` with each one after it: somebody has
 * waited long enough.
 */
export function onSignals(asked: (signal: NodeJS.Signals) => void, insisted: (signal: NodeJS.Signals) => void): void {
  let first = true;
  for (const signal of signals) {
    process.on(signal, () => {
      if (first) asked(signal);
      else insisted(signal);
      first = false;
    });
  }
}

/** The exit code of a process that a signal has ended. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
