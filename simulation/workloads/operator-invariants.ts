/** What must hold for flows that operators act on: how they end, what their partners hear, what their history says. */
import { flowsOf, type Invariant } from 'weir/testing';
import { z } from 'zod';
import { jobName, partnerName } from './operator-names.ts';

/** How a flow has ended, as its operator saw it. */
export interface Ended {
  readonly kind: 'retry' | 'edit' | 'skip' | 'kill' | 'kill early' | 'leave';
  readonly status: 'COMPLETED' | 'FAILED' | 'KILLED';
  /** What it must have returned, if it has completed. */
  readonly value: number;
}

const allowed: Readonly<Record<Ended['kind'], readonly Ended['status'][]>> = {
  retry: ['COMPLETED'],
  edit: ['COMPLETED'],
  skip: ['COMPLETED'],
  kill: ['KILLED'],
  'kill early': ['COMPLETED', 'KILLED'],
  leave: ['KILLED'],
};

const heardOf = z.object({ job: z.string(), heard: z.union([z.int(), z.string()]) });

/** Each flow ends as its operator's acts say, and every partner hears of the end: the value, or that it has failed. */
export function bothHearTheSame(ended: ReadonlyMap<string, Ended>): Invariant {
  const became = new Map<string, { readonly status: string; readonly result: unknown }>();
  const heard = new Map<string, string | number>();
  return {
    name: 'partners hear how it ended',
    hears: ['applied'],
    event(event, violate) {
      for (const { flow, status, result, clientRequestId } of flowsOf(event)) {
        if (flow === jobName && status !== 'RUNNING' && status !== 'STUCK') {
          became.set(clientRequestId, { status, result });
        }
        if (flow !== partnerName || status === 'RUNNING') continue;
        if (status !== 'COMPLETED') return violate(`a partner is ${status}`);
        const { job, heard: word } = heardOf.parse(result);
        heard.set(job, word);
      }
    },
    end(_world, violate) {
      for (const [job, { kind, value }] of ended) {
        const end = became.get(job);
        const fits = allowed[kind].some((status) => status === end?.status);
        if (!fits) violate(`${job} (${kind}) is ${end?.status}`);
        if (end?.status === 'COMPLETED' && end.result !== value) violate(`${job} (${kind}) gave ${String(end.result)}`);
        const word = heard.get(job);
        const wanted = end?.status === 'COMPLETED' ? value : 'WEIR_SESSION_FAILED';
        // A flow that was killed before it said anything has no partner.
        if (word !== wanted && !(word === undefined && kind === 'kill early')) {
          violate(`${job} (${kind}) is ${end?.status}, and its partner heard ${word}`);
        }
      }
    },
  };
}

/** The history of a flow only grows, and a flow leaves the hospital by an act that stands in it. */
export function actsInOrder(): Invariant {
  const seen = new Map<string, { readonly status: string; readonly acts: readonly string[] }>();
  return {
    name: 'acts in order',
    hears: ['applied'],
    event(event, violate) {
      for (const { flow, flowId, status, acts } of flowsOf(event)) {
        if (flow !== jobName) continue;
        const now = acts.map(({ act, at, reason }) => `${act} at ${at}: ${reason}`);
        const before = seen.get(flowId);
        seen.set(flowId, { status, acts: now });
        if (before === undefined) continue;
        if (before.acts.some((act, index) => now[index] !== act)) violate(`the history of ${flowId} was changed`);
        const added = acts.slice(before.acts.length);
        const released = before.status === 'STUCK' && status === 'RUNNING';
        if (released && added.length === 0) violate(`${flowId} left the hospital by itself`);
        if (added.length > 1) violate(`${flowId} has ${added.length} acts at once`);
      }
    },
  };
}
