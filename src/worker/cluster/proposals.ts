/**
 * Drains that are about to be ordered. Two that are asked for at once, at two workers, must not leave nobody who takes
 * shards; so each is proposed on the topic of orders first, and the order of that topic decides: whoever was asked hears its
 * own proposal there when it has heard those that came before, and counts them as drained already. It alone judges it, once.
 */
import { withDeadline } from '../../actors/shard/index.ts';
import type { Clock, Random } from '../../ports/index.ts';
import type { KafkaLog, LogRecord } from '../../transport/log/index.ts';
import { clusterTopics, decodeProposal, encode, type Proposal, proposalKey } from './records.ts';

export interface ProposalsSetup {
  readonly log: Pick<KafkaLog, 'put'>;
  readonly clock: Clock;
  readonly random: Random;
  /** This process, by the name of its worker. */
  readonly self: Pick<Proposal, 'by' | 'instance'>;
  /** Whether the process that has proposed something is there still; what others have left counts no more. */
  readonly lives: (proposal: Proposal) => boolean;
}

/** @throws WeirError why it is refused, when `others` are drained before it */
export type Judge = (others: ReadonlySet<string>) => void;

/** The brokers hand a worker its own record within milliseconds. */
const heardWithinMs = 30_000;

export class Proposals {
  readonly #setup: ProposalsSetup;
  /** In the order of the topic. */
  readonly #known = new Map<string, Proposal>();
  /** Own ones that were not heard yet. */
  readonly #own = new Map<string, () => void>();

  constructor(setup: ProposalsSetup) {
    this.#setup = setup;
  }

  /** What stands on the topic under the key of a proposal. */
  take(key: string, value: Uint8Array | undefined): void {
    const proposal = value === undefined ? undefined : decodeProposal(value);
    if (proposal === undefined) this.#known.delete(key);
    else this.#known.set(key, proposal);
  }

  /** Everything that came before it has been taken. */
  heard(key: string): void {
    this.#own.get(key)?.();
  }

  /** All that was there has been taken, in no order: whoever was judged by it is refused rather than let through. */
  loaded(): void {
    for (const heard of [...this.#own.values()]) heard();
  }

  /**
   * Drains a worker unless `judge` refuses it. `order` writes the order, and with it the record that it is given, which
   * takes the proposal back.
   * @throws WeirError what `judge` and `order` throw; `WEIR_DEADLINE` when the topic is not heard of
   */
  async make(drains: string, judge: Judge, order: (done: LogRecord) => Promise<void>): Promise<void> {
    const { log, clock, random, self, lives } = this.#setup;
    judge(new Set());
    const key = proposalKey(Buffer.from(random.bytes(8)).toString('hex'));
    const done: LogRecord = { key, value: null };
    const judged = new Promise<void>((resolve, reject) => {
      this.#own.set(key, () => {
        this.#own.delete(key);
        try {
          judge(this.#before(key));
          resolve();
        } catch (error) {
          reject(error);
        }
      });
    });
    const left = [...this.#known].flatMap(([key, proposal]) => (lives(proposal) ? [] : [{ key, value: null }]));
    const proposed = log.put(clusterTopics.orders, [...left, { key, value: encode({ ...self, drains }) }]);
    try {
      await withDeadline(clock, Promise.all([proposed, judged]), heardWithinMs, `the drain of ${drains}`);
      await order(done);
    } catch (error) {
      this.#own.delete(key);
      // Should that fail too, this process ends, and what it has proposed counts no more.
      await log.put(clusterTopics.orders, [done]).catch(() => undefined);
      throw error;
    }
  }

  #before(own: string): ReadonlySet<string> {
    const names = new Set<string>();
    for (const [key, proposal] of this.#known) {
      if (key !== own && this.#setup.lives(proposal)) names.add(proposal.drains);
    }
    return names;
  }
}
