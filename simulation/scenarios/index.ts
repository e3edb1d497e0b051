/** The scenarios that Weir is simulated with, by name. */
import type { Scenario } from 'weir/testing';
import { small } from './small.ts';

export const scenarios: readonly Scenario<unknown>[] = [small];
