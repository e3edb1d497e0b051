/** The scenarios that Weir is simulated with, by name. */
import type { Scenario } from 'weir/testing';

export const scenarios: readonly Scenario<unknown>[] = [];
