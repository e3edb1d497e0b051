/**
 * The catalogue of errors: every code that Weir can answer with, once. Each area has a file of its own; a code stands
 * in one of them only, and each area is joined here (`test/errors/catalogue.test.ts`).
 */
import { actors } from './actors.ts';
import { checkup } from './checkup.ts';
import { commandLine } from './command-line.ts';
import { configuration } from './configuration.ts';
import type { CatalogueEntry } from './entry.ts';
import { flows } from './flows.ts';
import { http } from './http.ts';
import { log } from './log.ts';
import { offline } from './offline.ts';
import { requests } from './requests.ts';
import { sessions } from './sessions.ts';
import { shards } from './shards.ts';
import { sql } from './sql.ts';
import { supervision } from './supervision.ts';
import { testing } from './testing.ts';
import { values } from './values.ts';
import { workers } from './workers.ts';

export type { CatalogueEntry } from './entry.ts';

const entries = {
  ...actors,
  ...checkup,
  ...commandLine,
  ...configuration,
  ...flows,
  ...http,
  ...log,
  ...offline,
  ...requests,
  ...sessions,
  ...shards,
  ...sql,
  ...supervision,
  ...testing,
  ...values,
  ...workers,
};

export type ErrorCode = keyof typeof entries;
export const catalogue: Readonly<Record<ErrorCode, CatalogueEntry>> = entries;
