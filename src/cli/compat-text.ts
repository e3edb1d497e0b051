/** How `weir flow compat` tells what becomes of flows: counts of what is alike, and what is in the way of the others. */
import type { JudgedFlow } from '../worker/index.ts';
import { columns } from './output.ts';

/** Flows of one version that the same becomes of. */
export interface CompatGroup {
  readonly flow: string;
  readonly from: number;
  readonly status: string;
  readonly verdict: JudgedFlow['verdict'];
  readonly version: number | undefined;
  readonly what: string;
  count: number;
}

export function compatGroups(flows: readonly JudgedFlow[]): CompatGroup[] {
  return groupsOf(flows, whatBecomes).map(([what, alike, { flow, from, status, verdict, version }]) => ({
    ...{ flow, from, status, verdict, version, what },
    count: alike,
  }));
}

export function compatText(flows: readonly JudgedFlow[], groups: readonly CompatGroup[]): string {
  if (flows.length === 0) return 'There are no unfinished flows.\n';
  const head = ['FLOW', 'VERSION', 'STATUS', 'FLOWS', 'WITH THIS CODE'];
  const rows = groups.map(({ flow, from, status, count, what }) => [flow, `${from}`, status, `${count}`, what]);
  return columns(head, rows) + obstacles(flows);
}

export function compatList(flows: readonly JudgedFlow[]): string {
  const head = ['FLOW ID', 'FLOW', 'MEMBER', 'VERSION', 'STATUS', 'STAGE', 'WITH THIS CODE'];
  const rows = flows.map((flow) => {
    const { flowId, flow: name, member, from, status, stage } = flow;
    return [flowId, name, member.name, `${from}`, status, stage, whatBecomes(flow)];
  });
  return `${columns(head, rows)}\n`;
}

function whatBecomes({ verdict, version, newer, wanted, status }: JudgedFlow): string {
  switch (verdict) {
    case 'continues':
      return 'continues as it is';
    case 'migrates':
      return `migrates to version ${version}`;
    case 'previous':
      return `ends its visit on version ${version}, among "previous"`;
    case 'replays':
      return `replays dry, goes on with version ${version}`;
    case 'waits':
      return newer ? `waits for newer code: ${wanted}` : `waits, nothing here has its code: ${wanted}`;
    case 'stuck':
      return status === 'STUCK' ? 'stays STUCK, whatever is done' : 'would be STUCK';
  }
}

function obstacles(flows: readonly JudgedFlow[]): string {
  const stuck = flows.filter(({ verdict }) => verdict === 'stuck');
  const lines = groupsOf(stuck, ({ stage, obstacle }) => `${stage} ${obstacle?.message}`).map(
    ([, count, { flow, from, stage, obstacle, flowId }]) => {
      const { at, message, code, remedy } = obstacle ?? { at: undefined, message: '', code: '', remedy: '' };
      const which = count === 1 ? `flow ${flowId}` : `${count} flows, such as ${flowId}`;
      const why = at === undefined ? message : `operation ${at.index} is ${at.found} where ${at.expected} was recorded`;
      return `\n${flow} version ${from}, stage ${stage}: ${which}\n  ${why} (${code})\n  to do: ${remedy}\n`;
    },
  );
  return lines.join('');
}

/** What is alike in flow, version, status and `key`: key, how many, and the first of them; in the order of the flows. */
function groupsOf(
  flows: readonly JudgedFlow[],
  key: (flow: JudgedFlow) => string,
): Array<readonly [string, number, JudgedFlow]> {
  const groups = new Map<string, { readonly key: string; readonly first: JudgedFlow; count: number }>();
  for (const flow of flows) {
    const same = JSON.stringify([flow.flow, flow.from, flow.status, key(flow)]);
    const group = groups.get(same);
    if (group === undefined) groups.set(same, { key: key(flow), first: flow, count: 1 });
    else group.count += 1;
  }
  return [...groups.values()].map((group) => [group.key, group.count, group.first] as const);
}
