/** Cursors of the audit: where the reading of each chain goes on, as text that clients give back and need not read. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import { WeirError } from '../../../errors/index.ts';
import type { ChainPlace } from './chain-reader.ts';

/** By chain; one that is not there has been read to its end. */
export type Places = ReadonlyMap<number, ChainPlace>;

/** For an anchor that has not been met. */
const unmet = -1;
const count = z.int().min(0);
const form = z.array(z.tuple([count, z.string().regex(/^[\w/]{0,64}$/), count, z.int().min(unmet)])).max(10_000);

/** What a cursor of all chains may take at most. */
const maxBytes = 1024 * 1024;

export function encodeCursor(places: Places): string {
  const list = [...places].map(([chain, at]) => [chain, at.position ?? '', at.number, at.anchor ?? unmet]);
  return deflateRawSync(JSON.stringify(list)).toString('base64url');
}

/** @throws WeirError `WEIR_REQUEST_INVALID` */
export function decodeCursor(cursor: string): Places {
  try {
    const inflated = inflateRawSync(Buffer.from(cursor, 'base64url'), { maxOutputLength: maxBytes });
    const list = form.parse(JSON.parse(inflated.toString()));
    return new Map(
      list.map(([chain, position, number, anchor]) => [
        chain,
        {
          position: position === '' ? undefined : position,
          number,
          anchor: anchor === unmet ? undefined : anchor,
        },
      ]),
    );
  } catch (thrown) {
    throw new WeirError('WEIR_REQUEST_INVALID', { why: 'the cursor is not one that a former page gave' }, thrown);
  }
}
