/**
 * The guard of a simulation: while one runs, code under test that reaches past its ports is stopped with an error.
 *
 * Owns what counts as ambient (real time, randomness, timers, files, network, processes) and how it is barred. The
 * turn scheduler of nact uses the global `setImmediate`; it alone is led to the scheduler instead.
 */
import childProcess from 'node:child_process';
import crypto from 'node:crypto';
import dns from 'node:dns';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { WeirError } from '../../errors/index.ts';

export interface Guarded {
  /** Takes what asks for a later macrotask; undefined while no event of the simulation runs, when nothing is barred. */
  readonly soon: () => ((run: () => void) => void) | undefined;
  /** Told of each reach past the ports, also when the code catches the error. */
  readonly onReach: (error: WeirError) => void;
}

export interface Guard {
  /** Whom it stands for from now on; undefined for nobody. */
  guarded: Guarded | undefined;
  /** Opens the ways past the ports again. */
  release(): void;
}

/** What is barred: of which object, under which name the report speaks of it, and the port to use instead. */
const barred: ReadonlyArray<{ of: object; as: string; names: readonly string[]; port: string }> = [
  { of: globalThis, as: '', names: ['setTimeout', 'setInterval'], port: 'Clock.after' },
  { of: Date, as: 'Date.', names: ['now'], port: 'Clock.now' },
  { of: performance, as: 'performance.', names: ['now'], port: 'Clock.monotonic' },
  { of: Math, as: 'Math.', names: ['random'], port: 'Random.next' },
  { of: globalThis.crypto, as: 'crypto.', names: ['randomUUID', 'getRandomValues'], port: 'Random.bytes' },
  {
    of: crypto,
    as: 'node:crypto ',
    names: ['randomBytes', 'randomUUID', 'randomInt', 'randomFillSync', 'randomFill'],
    port: 'Random.bytes',
  },
  { of: globalThis, as: '', names: ['fetch'], port: 'PeerTransport' },
  { of: net, as: 'node:net ', names: ['connect', 'createConnection', 'createServer'], port: 'PeerTransport or Log' },
  { of: http, as: 'node:http ', names: ['request', 'get', 'createServer'], port: 'PeerTransport or Log' },
  { of: https, as: 'node:https ', names: ['request', 'get', 'createServer'], port: 'PeerTransport or Log' },
  { of: dns, as: 'node:dns ', names: ['lookup', 'resolve'], port: 'PeerTransport or Log' },
  {
    of: childProcess,
    as: 'node:child_process ',
    names: ['spawn', 'exec', 'execFile', 'fork', 'spawnSync', 'execSync'],
    port: 'a port of its own',
  },
  {
    of: fs,
    as: 'node:fs ',
    names: [
      ...['readFile', 'readFileSync', 'writeFile', 'writeFileSync', 'open', 'openSync', 'readdir', 'readdirSync'],
      ...['stat', 'statSync', 'mkdir', 'mkdirSync', 'rm', 'rmSync', 'createReadStream', 'createWriteStream'],
    ],
    port: 'Log',
  },
  {
    of: fs.promises,
    as: 'node:fs/promises ',
    names: ['readFile', 'writeFile', 'open', 'readdir', 'stat', 'mkdir', 'rm'],
    port: 'Log',
  },
];

/** Stands at the ways past the ports until it is released. One at a time in a process; it is dear to post. */
export function postGuard(): Guard {
  const guard: Guard = {
    guarded: undefined,
    release: () => {
      for (const restore of undo.reverse()) restore();
      syncBuiltinESMExports();
    },
  };
  const undo: Array<() => void> = [];
  const replace = (of: object, name: string, value: unknown): void => {
    const old = Object.getOwnPropertyDescriptor(of, name);
    Object.defineProperty(of, name, { value, configurable: true, writable: true, enumerable: old?.enumerable ?? true });
    undo.push(() => {
      if (old === undefined) Reflect.deleteProperty(of, name);
      else Object.defineProperty(of, name, old);
    });
  };
  const reach = (what: string, port: string): void => {
    if (guard.guarded?.soon() === undefined) return;
    const error = new WeirError('WEIR_SIMULATION_AMBIENT', { what, port });
    guard.guarded.onReach(error);
    throw error;
  };
  for (const { of, as, names, port } of barred) {
    for (const name of names) {
      const real: unknown = Reflect.get(of, name);
      if (typeof real !== 'function') continue;
      replace(of, name, (...args: unknown[]) => {
        reach(`${as}${name}`, port);
        return Reflect.apply(real, of, args);
      });
    }
  }
  const { setImmediate: real, clearImmediate: clear } = globalThis;
  replace(globalThis, 'setImmediate', (run: (...args: unknown[]) => void, ...args: unknown[]) => {
    const later = guard.guarded?.soon();
    if (later === undefined) return real(run, ...args);
    const handle = new SimulatedImmediate();
    later(() => {
      if (!handle.cancelled) run(...args);
    });
    return handle;
  });
  replace(globalThis, 'clearImmediate', (handle: NodeJS.Immediate | SimulatedImmediate | undefined) => {
    if (handle instanceof SimulatedImmediate) handle.cancelled = true;
    else clear(handle);
  });
  replace(
    globalThis,
    'Date',
    guardedDate(globalThis.Date, () => reach('new Date()', 'Clock.now')),
  );
  syncBuiltinESMExports();
  return guard;
}

class SimulatedImmediate {
  cancelled = false;
}

/** `new Date()` reads the clock; `new Date(value)` does not. */
function guardedDate(real: DateConstructor, reach: () => void): DateConstructor {
  return new Proxy(real, {
    construct(target, args, newTarget) {
      if (args.length === 0) reach();
      return Reflect.construct(target, args, newTarget);
    },
  });
}
