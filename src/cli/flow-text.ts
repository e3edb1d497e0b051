/** Flows for people: a table of many, the facts of one. */
import type { z } from 'zod';
import type { FlowAnswer, waitingAnswer } from './node-client.ts';
import { columns, facts, timeText } from './output.ts';

type Waiting = z.output<typeof waitingAnswer>;

export function flowTable(flows: readonly FlowAnswer[]): string {
  if (flows.length === 0) return 'No flows.\n';
  return columns(
    ['FLOW ID', 'FLOW', 'MEMBER', 'STATUS', 'STAGE', 'UPDATED (UTC)', 'ERROR'],
    flows.map(({ flowId, flow, member, status, stage, updatedAt, error }) => [
      flowId,
      flow,
      memberText(member),
      status,
      stage,
      timeText(updatedAt),
      error === undefined ? '' : `${error.code}: ${shortened(error.message)}`,
    ]),
  );
}

export function flowText(answer: FlowAnswer, waiting?: Waiting): string {
  const { flowId, flow, member, status, stage, clientRequestId, createdAt, updatedAt, error, history = [] } = answer;
  const on = waiting?.waitingOn;
  const progress = answer.progress?.at(-1);
  const head = facts([
    ['flow', `${flow} ${flowId}`],
    ['member', memberText(member)],
    ['status', status],
    ['stage', stage],
    ['waits on', on === undefined ? undefined : `${on.what} ${on.label}`.trim()],
    ['until', on?.due === undefined ? undefined : timeText(on.due)],
    ['progress', progress === undefined ? undefined : `${progress.text} (report ${progress.number})`],
    ['request id', clientRequestId],
    ['started', timeText(createdAt)],
    ['updated', timeText(updatedAt)],
    ['error', error === undefined ? undefined : `${error.code}: ${error.message}`],
    ['where', error?.at],
    ['to do', error?.remedy],
    ['details', error?.details === undefined ? undefined : JSON.stringify(error.details)],
    ['failed', waiting?.failed === undefined ? undefined : operationText(waiting.failed)],
    ['state', waiting?.state === undefined ? undefined : JSON.stringify(waiting.state)],
    ['result', answer.result === undefined ? undefined : JSON.stringify(answer.result)],
  ]);
  const acts = columns(
    ['WHEN (UTC)', 'ACT', 'BY', 'REASON'],
    history.map(({ at, act, principal, reason }) => [timeText(at), act, principal, reason]),
  );
  const sessions = (waiting?.sessions ?? []).map(({ protocol, peer, sent, received, state }) => [
    protocol,
    memberText(peer),
    String(sent),
    String(received),
    state,
  ]);
  return [
    head,
    ...(history.length === 0 ? [] : ['\n', acts]),
    ...failuresText(waiting),
    ...(sessions.length === 0 ? [] : ['\n', columns(['SESSION', 'PEER', 'SENT', 'RECEIVED', 'STATE'], sessions)]),
  ].join('');
}

type Operation = NonNullable<Waiting['failed']>;

/** `step "book", tried 3 times` */
export function operationText({ operation, attempts }: Operation): string {
  return attempts > 1 ? `${operation}, tried ${attempts} times` : operation;
}

/** What went wrong before: attempts of what has failed or is tried again, and earlier stays in the hospital. */
function failuresText(waiting: Waiting | undefined): string[] {
  if (waiting === undefined) return [];
  const { failed, retrying, stays } = waiting;
  const attempts = [...(failed === undefined ? [] : [failed]), ...retrying].flatMap(({ operation, failures }) =>
    failures.map((failure) => ({ ...failure, what: operation })),
  );
  const rows = [...attempts, ...stays.map((stay) => ({ ...stay, what: `STUCK in ${stay.place}` }))]
    .sort((a, b) => a.at.localeCompare(b.at))
    .map(({ at, what, code, message }) => [timeText(at), shortened(what), `${code}: ${shortened(message)}`]);
  return rows.length === 0 ? [] : ['\n', columns(['WHEN (UTC)', 'WHAT FAILED', 'ERROR'], rows)];
}

export function memberText({ name, group }: FlowAnswer['member']): string {
  return group === 'default' ? name : `${name} (${group})`;
}

/** The first line, cut to what a column has room for. */
export function shortened(text: string): string {
  const [line = ''] = text.split('\n');
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
