/** A batch that fans out over many items, a few at a time, and undoes what was done when one of them cannot be. */
import { flow, type Operation } from 'weir';
import { z } from 'zod';
import { release, reserve } from './warehouse.ts';

/** `weir flow start ACME reserve-all --input '{"order": "o-1", "items": 1000}' --wait 1min` */
export const reserveAll = flow('reserve-all', {
  version: 1,
  states: {
    start: z.strictObject({
      order: z.string().min(1),
      items: z.int().min(1).max(10_000),
      /** Items that are worked on at the same time. */
      concurrency: z.int().min(1).max(1_000).default(20),
    }),
  },
  result: z.strictObject({ order: z.string(), places: z.int() }),
  stages: {
    *start({ order, items, concurrency }, { all, saga, step, progress }) {
      let done = 0;
      const places = yield* saga(function* (compensate) {
        function* one(item: number): Operation<string> {
          // Before the step: when another item fails, this one may be on its way, and nobody would learn of its end.
          compensate(`release ${item}`, () => release(order, item));
          const place = yield* step(`reserve ${item}`, () => reserve(order, item));
          done += 1;
          if (done % 250 === 0) yield* progress(`${done} of ${items} reserved`);
          return place;
        }
        const everyItem = Array.from({ length: items }, (_, item) => one(item));
        return yield* all(everyItem, { concurrency });
      });
      return { order, places: new Set(places).size };
    },
  },
});
