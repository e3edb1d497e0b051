/** What the status of a flow means for whoever waits for it. */
import { InvalidArgumentError } from 'commander';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { FlowAnswer } from './node-client.ts';

export const statuses = ['RUNNING', 'STUCK', 'COMPLETED', 'FAILED', 'KILLED'];

/** For options; in any case. */
export function statusOf(text: string): string {
  const status = text.toUpperCase();
  if (!statuses.includes(status)) throw new InvalidArgumentError(`It is one of ${statuses.join(', ')}.`);
  return status;
}

export function isOpen({ status }: Pick<FlowAnswer, 'status'>): boolean {
  return status === 'RUNNING' || status === 'STUCK';
}

export function outcomeOf(answer: Pick<FlowAnswer, 'status'>): ExitCode {
  if (answer.status === 'COMPLETED') return exitCodes.ok;
  return isOpen(answer) ? exitCodes.unfinished : exitCodes.failed;
}
