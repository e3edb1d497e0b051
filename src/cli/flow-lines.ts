/** Flows that change, in one line for each thing that has happened since the last one. */
import { memberText, shortened } from './flow-text.ts';
import type { FlowAnswer } from './node-client.ts';
import { timeText } from './output.ts';

interface Seen {
  readonly status: string;
  readonly stage: string;
  readonly updatedAt: string;
  /** Number of the newest report on its progress. */
  readonly report: number;
}

/** Flows that are remembered; of others what is told again is shown again. */
const most = 10_000;

export class FlowLines {
  readonly #seen = new Map<string, Seen>();

  /**
   * What is new about a flow; nothing when it was told before.
   * @param named says which flow it is about
   */
  of(answer: FlowAnswer, named: boolean): string {
    const { flowId, flow, member, status, stage, updatedAt, error, progress = [] } = answer;
    const before = this.#seen.get(flowId);
    const told = before?.report ?? 0;
    this.#remember(flowId, { status, stage, updatedAt, report: progress.at(-1)?.number ?? told });
    const name = named ? `${flowId}  ${flow}  ${memberText(member)}  ` : '';
    const line = (at: string, what: string, more: string): string =>
      `${`${timeText(at)}  ${name}${what.padEnd(9)}  ${more}`.trimEnd()}\n`;
    const reports = progress
      .filter(({ number }) => number > told)
      .map(({ at, number, text }) => line(at, 'progress', `${number}: ${shortened(text)}`));
    const changed =
      before === undefined || before.status !== status || before.stage !== stage || before.updatedAt !== updatedAt;
    const why = error === undefined ? '' : `  ${error.code}: ${shortened(error.message)}`;
    return [...reports, ...(changed ? [line(updatedAt, status, `${stage}${why}`)] : [])].join('');
  }

  #remember(flowId: string, seen: Seen): void {
    this.#seen.delete(flowId);
    this.#seen.set(flowId, seen);
    if (this.#seen.size <= most) return;
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest);
      return;
    }
  }
}
