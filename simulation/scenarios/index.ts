/** The scenarios that Weir is simulated with, by name. */
import type { Scenario } from 'weir/testing';
import { payments } from './payments.ts';
import { small } from './small.ts';

export const scenarios: readonly Scenario<unknown>[] = [small, payments];
