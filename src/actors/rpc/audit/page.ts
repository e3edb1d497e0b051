/**
 * A page of the audit: the newest entries that fit, over all chains, by their time.
 *
 * Owns the merging of the chains and the limit of what one request may look through: a search for little among much
 * goes on with the next page.
 */
import type { AuditRecord } from '../../../persistence/index.ts';
import type { Log } from '../../../transport/log/index.ts';
import { type Chain, type ChainPlace, newestFirst, type PlacedEntry } from './chain-reader.ts';
import { encodeCursor, type Places } from './cursor.ts';
import type { AuditEntry, AuditPage } from './messages.ts';

export interface PageSetup {
  readonly log: Pick<Log, 'read'>;
  /** Chains to look through. */
  readonly chains: readonly Chain[];
  /** Where each of them goes on; undefined for the first page. */
  readonly from: Places | undefined;
  readonly limit: number;
  readonly since: number | undefined;
  readonly fits: (entry: AuditRecord) => boolean;
  /** Nothing behind this entry is of interest. Default: there is none. */
  readonly isLast?: (entry: AuditRecord) => boolean;
}

/** Entries that one request looks at. */
const maxSeen = 20_000;
/** Workers' clocks may differ by so much: an entry may be older than the one before it. */
const clockSlackMs = 10 * 60_000;

interface Reading {
  readonly chain: number;
  readonly entries: AsyncGenerator<PlacedEntry>;
  /** The entry that comes next; undefined when there is none. */
  next: PlacedEntry | undefined;
  /** Behind which entry it goes on. */
  place: ChainPlace | undefined;
}

export interface ReadPage extends AuditPage {
  /** The last entry of interest was met. */
  readonly whole: boolean;
}

export async function readPage({ log, chains, from, limit, since = 0, fits, isLast }: PageSetup): Promise<ReadPage> {
  const readings = chains
    .filter(({ chain }) => from === undefined || from.has(chain))
    .map((chain): Reading => {
      const place = from?.get(chain.chain);
      return { chain: chain.chain, entries: newestFirst(log, chain, place), next: undefined, place };
    });
  const advance = async (reading: Reading): Promise<void> => {
    const { done, value } = await reading.entries.next();
    reading.next = done === true || value.entry.at < since - clockSlackMs ? undefined : value;
  };
  const entries: AuditEntry[] = [];
  try {
    await Promise.all(readings.map(advance));
    for (let seen = 0; seen < maxSeen && entries.length < limit; seen++) {
      const reading = newest(readings);
      if (reading?.next === undefined) break;
      const { entry, place } = reading.next;
      reading.place = place;
      if (entry.at >= since && fits(entry)) entries.push({ ...entry, chain: reading.chain });
      if (isLast?.(entry) === true) return { entries, whole: true };
      await advance(reading);
    }
    const places = placesOf(readings);
    return { entries, whole: false, ...(places.size === 0 ? {} : { cursor: encodeCursor(places) }) };
  } finally {
    await Promise.all(readings.map(({ entries: open }) => open.return(undefined)));
  }
}

/** Where each chain that has more goes on. */
function placesOf(readings: readonly Reading[]): Places {
  const places = new Map<number, ChainPlace>();
  for (const { chain, next, place } of readings) {
    if (next === undefined) continue;
    // Nothing of it was given yet: what is written meanwhile is no part of the next page.
    const { anchor, number } = next.place;
    places.set(chain, place ?? { position: undefined, number: number + 1, anchor });
  }
  return places;
}

/** The reading whose next entry is the newest; of equal ones that of the first chain. */
function newest(readings: readonly Reading[]): Reading | undefined {
  let found: Reading | undefined;
  for (const reading of readings) {
    if (reading.next === undefined) continue;
    if (found?.next === undefined || reading.next.entry.at > found.next.entry.at) found = reading;
  }
  return found;
}
