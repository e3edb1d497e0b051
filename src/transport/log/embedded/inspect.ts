/**
 * Looks for damage in a LevelDB store before LevelDB opens it, without writing a byte.
 *
 * LevelDB drops damaged records of its write-ahead log in silence, rewrites that log when it opens and creates a new
 * store where CURRENT is missing; so what was acknowledged can only be checked before. Owns the rules of what a store
 * may look like after a crash:
 * - every live table is there, whole, and each of its blocks has a sound CRC;
 * - the write-ahead log that the MANIFEST names is there (it is deleted only after an edit that names a later one);
 * - sequence numbers run on without a gap, from the MANIFEST through the write-ahead logs;
 * - only the last written log may end in the middle of a record, and never before the durable mark;
 * - the kept group records form one chain, and each group in a log has the digest that its record states.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { messageOf, WeirError } from '../../../errors/index.ts';
import { checkedValue, decodeGroup, digestOf, type GroupRecord, groupPrefix, hashGroup, keptGroups } from './codec.ts';
import { type LogScan, scanLog } from './leveldb/log-file.ts';
import { type Manifest, readManifest } from './leveldb/manifest.ts';
import { checkTable } from './leveldb/table-file.ts';
import { readWriteBatch, type WriteBatch } from './leveldb/write-batch.ts';

/** What is known to be durable: written after each group, so it may lag behind the store but never lead it. */
export interface DurableMark {
  readonly group: number;
  /** LevelDB's sequence number of the group's last operation. */
  readonly sequence: number;
}

export interface Inspection {
  /** Sequence number of the last operation in the store. */
  readonly sequence: number;
  /** Number of the last group, 0 for none. */
  readonly group: number;
  readonly hash: Uint8Array | undefined;
}

interface KnownGroup {
  readonly record: GroupRecord;
  readonly hash: Uint8Array;
}

export interface InspectSetup {
  /** The data directory, named in errors. */
  readonly directory: string;
  /** LevelDB's directory in it. */
  readonly store: string;
  readonly mark: DurableMark;
  /** Whether to check the table files too. They never change, so a reopening process need not. */
  readonly tables: boolean;
}

/** @throws WeirError `WEIR_LOG_DAMAGED` naming file, key or group. */
export async function inspectStore(setup: InspectSetup): Promise<Inspection> {
  return new Inspector(setup).run();
}

class Inspector {
  readonly #setup: InspectSetup;
  readonly #groups = new Map<number, KnownGroup>();
  #newest = 0;

  constructor(setup: InspectSetup) {
    this.#setup = setup;
  }

  async run(): Promise<Inspection> {
    const names = existsSync(this.#setup.store) ? await readdir(this.#setup.store) : [];
    if (!names.includes('CURRENT')) return this.#fresh(names);
    const manifest = await this.#manifest();
    const liveTables = await this.#tables(manifest, names);
    const sequence = await this.#logs(manifest, names);
    const { mark } = this.#setup;
    if (sequence < mark.sequence) {
      this.#damaged(`it ends at operation ${sequence}, but group ${mark.group} ended at ${mark.sequence}`);
    }
    return { sequence, ...this.#chain(liveTables) };
  }

  /** A store that was never finished has nothing in it; one that has lost CURRENT has. */
  async #fresh(names: readonly string[]): Promise<Inspection> {
    const { mark, store } = this.#setup;
    const tables = names.some((name) => /\.(ldb|sst)$/.test(name));
    const logs = await Promise.all(
      names.filter((name) => name.endsWith('.log')).map((name) => readFile(join(store, name))),
    );
    if (mark.group > 0 || tables || logs.some((log) => log.length > 0)) this.#damaged('store/CURRENT is missing');
    return { sequence: 0, group: 0, hash: undefined };
  }

  async #manifest(): Promise<Manifest> {
    const current = await this.#read('CURRENT');
    const name = /^(MANIFEST-\d+)\n$/.exec(current.toString('latin1'))?.[1];
    if (name === undefined) return this.#damaged('store/CURRENT names no MANIFEST');
    const scan = scanLog(await this.#read(name));
    // A torn end is an edit that was never acted on: what it would have deleted must still be there, as checked below.
    if (scan.fault !== undefined && !(scan.fault.short && !scan.fault.hole)) {
      this.#damaged(`store/${name} has a damaged record at byte ${scan.fault.offset}`);
    }
    return this.#guard(name, () => readManifest(scan.records));
  }

  async #tables(manifest: Manifest, names: readonly string[]): Promise<boolean> {
    for (const [number, size] of manifest.tables) {
      const name = ['ldb', 'sst'].map((end) => `${fileNumber(number)}.${end}`).find((file) => names.includes(file));
      if (name === undefined) return this.#damaged(`store/${fileNumber(number)}.ldb is missing`);
      if (!this.#setup.tables) continue;
      const file = await this.#read(name);
      if (file.length !== size) this.#damaged(`store/${name} has ${file.length} bytes instead of ${size}`);
      for (const { key, value } of this.#guard(name, () => checkTable(file, groupPrefix))) {
        if (value !== undefined) this.#remember(`store/${name}`, key, value);
      }
    }
    return this.#setup.tables;
  }

  /** Checks the write-ahead logs that a recovery replays, and gives the last sequence number. */
  async #logs(manifest: Manifest, names: readonly string[]): Promise<number> {
    const numbers = names
      .map((name) => /^(\d+)\.log$/.exec(name)?.[1])
      .filter((digits) => digits !== undefined)
      .map(Number)
      .filter((number) => number >= manifest.logNumber)
      .sort((a, b) => a - b);
    if (manifest.logNumber > 0 && !numbers.includes(manifest.logNumber)) {
      this.#damaged(`the write-ahead log store/${fileNumber(manifest.logNumber)}.log is missing`);
    }
    let last: number | undefined;
    let torn: string | undefined;
    for (const number of numbers) {
      const name = `${fileNumber(number)}.log`;
      const scan = scanLog(await this.#read(name));
      if (torn !== undefined && scan.records.length > 0) this.#damaged(`${torn} ends in a damaged record`);
      for (const record of scan.records) {
        const batch = this.#guard(name, () => readWriteBatch(record));
        const gap = last === undefined ? batch.sequence > manifest.lastSequence + 1 : batch.sequence !== last + 1;
        if (gap) this.#damaged(`operations before ${batch.sequence} are missing from store/${name}`);
        last = batch.sequence + batch.operations.length - 1;
        this.#checkGroup(`store/${name}`, batch);
      }
      if (scan.fault === undefined) continue;
      torn = `store/${name}`;
      this.#checkTornEnd(torn, scan, last ?? manifest.lastSequence);
    }
    return Math.max(last ?? 0, manifest.lastSequence);
  }

  /** A torn end is sound only if nothing was acknowledged behind it. */
  #checkTornEnd(name: string, { fault }: LogScan, last: number): void {
    const { mark } = this.#setup;
    if (fault?.hole === true || last < mark.sequence) {
      this.#damaged(`${name} has a damaged record at byte ${fault?.offset} behind group ${this.#newest}`);
    }
  }

  #checkGroup(name: string, { sequence, operations }: WriteBatch): void {
    const closing = operations.at(-1);
    const key = closing?.key.toString() ?? '';
    if (closing?.value === undefined || !key.startsWith(groupPrefix)) {
      throw this.#damage(`the batch at operation ${sequence} in ${name} has no group record`);
    }
    const { record } = this.#remember(name, key, closing.value);
    const crcs = operations.slice(0, -1).map((operation) => this.#operationCrc(name, record.number, operation));
    if (record.operations !== crcs.length || record.digest !== digestOf(crcs)) {
      this.#damaged(`group ${record.number} in ${name} has another content than its record states`);
    }
  }

  #operationCrc(name: string, group: number, operation: WriteBatch['operations'][number]): number {
    const { key, value } = operation;
    if (value === undefined) return crc32(key);
    if (checkedValue(key, value) === undefined) {
      this.#damaged(`the record ${key.toString()} of group ${group} in ${name} has a wrong CRC`);
    }
    return value.readUInt32LE(0);
  }

  #remember(name: string, key: string, stored: Uint8Array): KnownGroup {
    const encoded = checkedValue(key, stored);
    if (encoded === undefined) return this.#damaged(`the group record ${key} in ${name} has a wrong CRC`);
    const known: KnownGroup = { record: decodeGroup(encoded), hash: hashGroup(encoded) };
    const { number } = known.record;
    const before = this.#groups.get(number);
    // A group that was written again after a full disk is the same group.
    if (before !== undefined && !same(before.hash, known.hash)) this.#damaged(`group ${number} is there twice`);
    this.#groups.set(number, known);
    this.#newest = Math.max(this.#newest, number);
    return known;
  }

  /** The newest groups must follow each other without a gap, each naming the one before. */
  #chain(complete: boolean): Pick<Inspection, 'group' | 'hash'> {
    const newest = this.#newest;
    const { mark } = this.#setup;
    if (complete && newest < mark.group) {
      this.#damaged(`its last group is ${newest}, but group ${mark.group} was durable`);
    }
    const oldest = Math.max(1, newest - keptGroups + 1);
    for (let number = newest; complete && number >= oldest; number--) {
      const known = this.#groups.get(number);
      const previous = this.#groups.get(number - 1);
      if (known === undefined) return this.#damaged(`group ${number} is missing before group ${newest}`);
      if (previous !== undefined && !same(known.record.previous, previous.hash)) {
        this.#damaged(`group ${number} does not follow the group ${number - 1} that is there`);
      }
    }
    return { group: newest, hash: this.#groups.get(newest)?.hash };
  }

  async #read(name: string): Promise<Buffer> {
    try {
      return await readFile(join(this.#setup.store, name));
    } catch (error) {
      return this.#damaged(`store/${name} cannot be read: ${messageOf(error)}`, error);
    }
  }

  #guard<Result>(name: string, read: () => Result): Result {
    try {
      return read();
    } catch (error) {
      return this.#damaged(`store/${name}: ${messageOf(error)}`, error);
    }
  }

  #damaged(why: string, cause?: unknown): never {
    throw this.#damage(why, cause);
  }

  #damage(why: string, cause?: unknown): WeirError {
    return new WeirError('WEIR_LOG_DAMAGED', { directory: this.#setup.directory, why }, cause);
  }
}

function fileNumber(number: number): string {
  return String(number).padStart(6, '0');
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
