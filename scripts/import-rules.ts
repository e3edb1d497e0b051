/**
 * The rules for imports, as data and judgement; reading the files is `check-imports.ts`'s.
 *
 * Dependencies point one way (each layer imports only from those before it), a folder's `index.ts` is its door, the
 * test kit is for tests, and examples see what a user of the package sees. Services do not import each other, but each
 * speaks through its `protocol.ts`: messages, topics and ids. That file is a second door, for other services too.
 */

/** Layers, lowest first. Units of one layer do not import each other. */
const layers: readonly (readonly string[])[] = [
  ['src/errors'],
  ['src/ports'],
  ['src/persistence', 'src/transport'],
  ['src/chaos'],
  ['src/actors/kernel'],
  ['src/supervisors'],
  ['src/actors/shard'],
  ['src/actors/*'],
  ['src/worker'],
  ['src/index.ts', 'src/actors.ts'],
  ['src/cli', 'src/console'],
];

const serviceLayer = layers.findIndex((units) => units.includes('src/actors/*'));

const exceptions: readonly { readonly from: string; readonly to: string; readonly because: string }[] = [
  {
    from: 'src/actors/flow',
    to: 'src/actors/session-manager',
    because: 'the session manager lives inside the flow shard, so that dedupe and start are one commit',
  },
];

/** The protocol of a service. A shard's own messages are not one: services are above shards. */
function isProtocol(path: string): boolean {
  return /^src\/actors\/[^/]+\/protocol\.ts$/.test(path) && unitOf(path)?.layer === serviceLayer;
}

/** What examples may import beside their own files and packages of others. */
const publicDoors: ReadonlySet<string> = new Set(['src/index.ts', 'src/testing/index.ts']);

export interface Import {
  /** Path of the importing file from the project's root, with slashes. */
  readonly from: string;
  /** Path of the imported file; imports of packages of others are not judged. */
  readonly to: string;
  /** The import names the package (`weir`, `weir/testing`), not a path. */
  readonly byPackageName: boolean;
}

/** Why the import is against the rules, or undefined. `exists` tells whether a file is there. */
export function judge({ from, to, byPackageName }: Import, exists: (path: string) => boolean): string | undefined {
  if (from.startsWith('examples/')) {
    if (to.startsWith('examples/')) return undefined;
    return byPackageName && publicDoors.has(to) ? undefined : 'an example imports only `weir` and `weir/testing`';
  }
  if (!from.startsWith('src/')) return undefined;
  if (!to.startsWith('src/')) return 'src imports nothing of the project beside itself';
  if (byPackageName) return 'src names its own files by path';
  if (to.startsWith('src/testing/') && !from.startsWith('src/testing/')) return 'the test kit is for tests only';
  return againstLayers(from, to) ?? pastDoor(from, to, exists);
}

function againstLayers(from: string, to: string): string | undefined {
  // The test kit plays every part of a node.
  if (from.startsWith('src/testing/')) return undefined;
  const importer = unitOf(from);
  const imported = unitOf(to);
  if (importer === undefined) return `${from} is in no layer`;
  if (imported === undefined) return `${to} is in no layer`;
  if (importer.name === imported.name || imported.layer < importer.layer) return undefined;
  if (imported.layer === importer.layer && isProtocol(to)) return undefined;
  if (exceptions.some((one) => one.from === importer.name && one.to === imported.name)) return undefined;
  return imported.layer === importer.layer
    ? `${importer.name} and ${imported.name} are of one layer and do not import each other`
    : `${importer.name} is below ${imported.name} and does not import it`;
}

interface Unit {
  readonly name: string;
  readonly layer: number;
}

function unitOf(path: string): Unit | undefined {
  const folders = path.split('/');
  const names = [path, folders.slice(0, 3).join('/'), folders.slice(0, 2).join('/')];
  for (const name of names) {
    const layer = layers.findIndex((units) => units.includes(name));
    if (layer !== -1) return { name, layer };
  }
  const service = folders[1] === 'actors' && folders.length > 3 ? folders.slice(0, 3).join('/') : undefined;
  return service === undefined ? undefined : { name: service, layer: serviceLayer };
}

/** The outermost folder with a door that the import enters must be entered through it; a unit always has one. */
function pastDoor(from: string, to: string, exists: (path: string) => boolean): string | undefined {
  const parts = to.split('/');
  const entered = parts.slice(0, -1).flatMap((_, index) => {
    const folder = parts.slice(0, index + 1).join('/');
    return from.startsWith(`${folder}/`) ? [] : [folder];
  });
  const folder = entered.find((one) => exists(`${one}/index.ts`));
  if (folder !== undefined) {
    return to === `${folder}/index.ts` || isProtocol(to)
      ? undefined
      : `it goes past the door of ${folder}: import ${folder}/index.ts`;
  }
  // Folders inside a unit may do without a door, for the unit alone.
  const within = entered.length === 0 || unitOf(from)?.name === unitOf(to)?.name;
  return within ? undefined : `${entered.at(-1)} has no door: it needs an index.ts`;
}
