/** Puts one mutation into what this process loads; the one that `WEIR_MUTATION` names. Given to node by `--import`. */
import { registerHooks } from 'node:module';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutations } from './list.ts';
import { filesOf, mutate } from './mutation.ts';

const root = join(import.meta.dirname, '..', '..');
const id = process.env.WEIR_MUTATION;
const mutation = mutations.find((one) => one.id === id);
if (mutation === undefined) throw new Error(`there is no mutation ${id}`);
const files = filesOf(mutation);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.startsWith('file:')) return loaded;
    const path = relative(root, fileURLToPath(url)).split(sep).join('/');
    if (!files.includes(path) || loaded.source === undefined || loaded.source === null) return loaded;
    const source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
    return { ...loaded, source: mutate(mutation, path, source) };
  },
});
