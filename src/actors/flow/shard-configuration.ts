/**
 * The configuration that a shard is run with, kept in its state. Whoever runs the shard with another one than before says
 * so in its chain of the audit, in the first commit of all: no commit that the new configuration has led to is before it
 * (SM17). Of the first configuration there is no entry.
 */
import { type AuditValue, bytes, recordCodec, small } from '../../persistence/index.ts';
import type { Authority } from '../../ports/index.ts';
import { ChangeSet, type ShardHost } from '../shard/index.ts';
import { type FlowActs, kept } from './acts.ts';

/** What a node is run with, and who has started it so. */
export interface Configured {
  /** Canonical value-codec bytes. */
  readonly document: Uint8Array;
  readonly authority: Authority;
}

export const configurationKey = 'n/configuration';

export const configurationRecord = recordCodec<AuditValue>(
  {
    type: 'record',
    name: 'Configuration',
    namespace: 'weir.state',
    fields: [bytes('hash'), small('size'), bytes('value')],
  },
  'configuration of a shard',
);

export class ShardConfiguration {
  #before: AuditValue | undefined;

  restore(value: Uint8Array): void {
    this.#before = configurationRecord.decode(value);
  }

  /** Everything has been restored, and nothing has been done yet. */
  restored(configured: Configured | undefined, acts: FlowActs, host: Pick<ShardHost, 'add'>): void {
    if (configured === undefined) return;
    const before = this.#before;
    const after = kept(configured.document);
    if (before !== undefined && Buffer.compare(before.hash, after.hash) === 0) return;
    const changes = new ChangeSet();
    changes.put(configurationKey, configurationRecord.encode(after));
    if (before !== undefined) acts.configured({ before, after }, configured.authority, changes);
    this.#before = after;
    host.add(changes);
  }
}
