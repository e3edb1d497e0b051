/** Loads the modules that a configuration names, and takes flows and persistent actors out of them. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyActor, AnyFlow } from '../../actors/flow/index.ts';
import { didYouMean, messageOf, WeirError } from '../../errors/index.ts';
import type { Identity } from '../../ports/index.ts';
import { isActor, isFlow } from '../definitions.ts';
import type { Configuration } from './load.ts';

export interface LoadedMember extends Identity {
  readonly flows: readonly AnyFlow[];
  readonly actors: readonly AnyActor[];
}

interface Kind<T> {
  readonly name: string;
  readonly is: (value: unknown) => value is T;
}

const flows: Kind<AnyFlow> = { name: 'flow', is: isFlow };
const actors: Kind<AnyActor> = { name: 'persistent actor', is: isActor };

/**
 * Members with everything they run.
 * @throws WeirError `WEIR_MODULE_UNUSABLE` with the path in the configuration
 */
export async function loadMembers({
  file,
  modules,
  members,
}: Pick<Configuration, 'file' | 'modules' | 'members'>): Promise<LoadedMember[]> {
  const base = dirname(file);
  const shared = await Promise.all(
    modules.map(async (name, index) => {
      const path = `modules[${index}]`;
      const found = await exportsOf(base, name, path);
      const own = { flows: found.filter(flows.is), actors: found.filter(actors.is) };
      if (own.flows.length + own.actors.length === 0) throw unusable(name, path, 'it exports no flow and no actor');
      return own;
    }),
  );
  const load = async <T>(kind: Kind<T>, names: readonly string[], path: string): Promise<T[]> => {
    const lists = await Promise.all(
      names.map(async (name, index) => {
        const found = (await exportsOf(base, name, `${path}[${index}]`)).filter(kind.is);
        if (found.length === 0) throw unusable(name, `${path}[${index}]`, `there is no ${kind.name} in it`);
        return found;
      }),
    );
    return lists.flat();
  };
  return Promise.all(
    members.map(async ({ key, name, group, ...own }) => ({
      name,
      group,
      flows: unique(
        shared.flatMap((module) => module.flows),
        await load(flows, own.flows, `members.${key}.flows`),
      ),
      actors: unique(
        shared.flatMap((module) => module.actors),
        await load(actors, own.actors, `members.${key}.actors`),
      ),
    })),
  );
}

/** What is named twice is there once. */
function unique<T>(...lists: ReadonlyArray<readonly T[]>): T[] {
  return [...new Set(lists.flat())];
}

/** Values that a name stands for: one export, or all of the module, each once. */
async function exportsOf(base: string, name: string, path: string): Promise<unknown[]> {
  const [module = '', wanted] = name.split('#', 2);
  const file = resolve(base, module);
  if (!existsSync(file)) throw unusable(name, path, `there is no file ${file}`);
  let loaded: Record<string, unknown>;
  try {
    loaded = await import(pathToFileURL(file).href);
  } catch (thrown) {
    throw unusable(name, path, `it cannot be loaded: ${messageOf(thrown)}`, thrown);
  }
  if (wanted === undefined) return [...new Set(Object.values(loaded))];
  if (!Object.hasOwn(loaded, wanted)) {
    throw unusable(name, path, `it exports no ${wanted}${didYouMean(wanted, Object.keys(loaded))}`);
  }
  return [loaded[wanted]];
}

function unusable(module: string, path: string, why: string, cause?: unknown): WeirError {
  return new WeirError('WEIR_MODULE_UNUSABLE', { module, path, why }, cause);
}
