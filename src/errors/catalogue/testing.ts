/** Errors: what the test kit, the simulation and failure injection answer. */
import type { CatalogueArea } from './entry.ts';

export const testing = {
  WEIR_CLOCK_RESTLESS: {
    message: 'work did not come to rest within {rounds} turns at one moment of virtual time',
    remedy: 'something tells itself for ever; use a timer between its rounds',
    status: 500,
  },
  WEIR_SIMULATION_AMBIENT: {
    message: 'code under simulation reached for {what}',
    remedy: 'take it from the port ({port}): what a seed does not decide cannot be replayed',
    status: 500,
  },
  WEIR_SIMULATION_SCENARIO: {
    message: 'the scenario {scenario} cannot run: {why}',
    remedy: 'correct the scenario; docs/guide/testing.md has a whole one',
    status: 400,
  },
  WEIR_SIMULATION_SEED: {
    message: '"{seed}" is no seed of this simulation: {why}',
    remedy: 'use a seed as it was printed, with the version of Weir that printed it',
    status: 400,
  },
  WEIR_FAULT_INVALID: {
    message: 'the fault cannot be read: {why}',
    remedy: 'correct it; docs/guide/testing.md has the words, their targets and their measures',
    status: 400,
  },
  WEIR_FAULT_UNREACHABLE: {
    message: '{fault} cannot strike here: {why}',
    remedy: 'choose a fault or a target that this node has; nothing was done',
    status: 409,
  },
  WEIR_CHAOS_OFF: {
    message: 'this node allows no failure injection',
    remedy: 'start a node that is meant for it with "chaos: { allow: true }" in its configuration; nothing was done',
    status: 403,
  },
} as const satisfies CatalogueArea;
