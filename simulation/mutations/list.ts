/** Deliberate bugs that the simulation must find, each with the scenarios that should. */
import { bugsOfFlows } from './bugs/flows.ts';
import { bugsOfLog } from './bugs/log.ts';
import { bugsOfLosses } from './bugs/losses.ts';
import { bugsOfNodeActs } from './bugs/node-acts.ts';
import { bugsOfServices } from './bugs/services.ts';
import { bugsOfSessions } from './bugs/sessions.ts';
import { bugsOfShards } from './bugs/shards.ts';
import type { Mutation } from './mutation.ts';

export const mutations: readonly Mutation[] = [
  ...bugsOfLog,
  ...bugsOfLosses,
  ...bugsOfShards,
  ...bugsOfSessions,
  ...bugsOfFlows,
  ...bugsOfNodeActs,
  ...bugsOfServices,
];
