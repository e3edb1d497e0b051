/** What a node is run with, as the audit keeps it: what flows depend on, in one form for whoever runs a shard. */
import { userInfo } from 'node:os';
import type { Configured, HostedMember } from '../actors/flow/index.ts';
import { canonicalBytes } from '../persistence/index.ts';
import type { Authority } from '../ports/index.ts';
import type { Windows } from './windows.ts';

export interface RunWith {
  readonly members: readonly HostedMember[];
  /** In milliseconds. */
  readonly windows: Windows;
  readonly maxHotFlows: number;
  readonly deathsAlone: number;
  readonly replayCheck: boolean;
}

/** Where it listens and keeps its data is each worker's own, and not part of it; there are no secrets in it. */
export function configuredBy({ members, ...settings }: RunWith, authority: Authority): Configured {
  const run = members.map(({ identity, flows, actors }) => ({
    ...identity,
    flows: named(flows),
    actors: named(actors),
  }));
  return { document: canonicalBytes({ ...settings, members: run }), authority };
}

/** Whoever has started the process, with what is said of that where nobody gave a reason. */
export function starter(): Authority {
  return { principal: { name: `local:${userName()}`, kind: 'operator' }, reason: 'the node was started with it' };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container a user may have no name.
    return String(process.getuid?.() ?? 'operator');
  }
}

/** Versions by name: of a flow the newest. */
function named(things: ReadonlyArray<{ readonly name: string; readonly version: number }>): Record<string, number> {
  return Object.fromEntries(
    things.toSorted((a, b) => a.version - b.version).map(({ name, version }) => [name, version]),
  );
}
