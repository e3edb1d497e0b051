/**
 * The chains of the audit that lie in the partition of a shard: its own, and those of shards that there are no more since
 * they were made fewer. Nothing is added to the latter, but their entries leave after the same window.
 */
import type { ChainPoint } from '../../persistence/index.ts';
import { AuditTrail, type AuditTrailSetup } from './audit-trail.ts';

export class AuditTrails {
  readonly #setup: Pick<AuditTrailSetup, 'host' | 'topic' | 'windowMs'>;
  readonly #resting = new Map<number, AuditTrail>();
  readonly own: AuditTrail;

  constructor(setup: Pick<AuditTrailSetup, 'host' | 'topic' | 'windowMs'>) {
    this.#setup = setup;
    this.own = new AuditTrail({
      ...setup,
      chain: setup.host.partition,
      resting: () => [...this.#resting.keys()],
    });
  }

  /** A record of the chain of another shard; `name` is its key behind `a/`. */
  restoreResting(chain: number, name: string, bytes: Uint8Array): void {
    const known = this.#resting.get(chain);
    const trail = known ?? new AuditTrail({ ...this.#setup, chain, under: `r/${chain}/` });
    this.#resting.set(chain, trail);
    trail.restore(name, bytes);
  }

  restored(): void {
    this.own.restored();
    for (const trail of this.#resting.values()) trail.restored();
  }

  /** The newest entry of a chain; undefined when it does not lie here. */
  headOf(chain: number): ChainPoint | undefined {
    return (chain === this.#setup.host.partition ? this.own : this.#resting.get(chain))?.head;
  }

  /** How many entries there are. */
  get entries(): number {
    return [...this.#resting.values()].reduce((sum, { entries }) => sum + entries, this.own.entries);
  }
}
