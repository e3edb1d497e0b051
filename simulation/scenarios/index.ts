/** The scenarios that Weir is simulated with, by name. */
import type { Scenario } from 'weir/testing';
import { branches } from './branches.ts';
import { fanOut } from './fan-out.ts';
import { feeds } from './feeds.ts';
import { kafka } from './kafka.ts';
import { losses } from './losses.ts';
import { operators } from './operators.ts';
import { orders } from './orders.ts';
import { payments } from './payments.ts';
import { sabotage } from './sabotage.ts';
import { services } from './services.ts';
import { sessions } from './sessions.ts';
import { small } from './small.ts';
import { storm } from './storm.ts';
import { swarm } from './swarm.ts';
import { timers } from './timers.ts';
import { upgrade } from './upgrade.ts';

export const scenarios: readonly Scenario<unknown>[] = [
  small,
  payments,
  timers,
  fanOut,
  branches,
  storm,
  operators,
  orders,
  sessions,
  upgrade,
  feeds,
  kafka,
  losses,
  services,
  sabotage,
  swarm,
];
