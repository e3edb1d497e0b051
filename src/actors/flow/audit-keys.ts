/** Keys of topic `flow.audit`: their order is that of the entries, and the anchor of a chain comes behind them. */

/** `0003/0000000000000017`: entry 17 of the chain of shard 3. */
export function entryKey(partition: number, number: number): string {
  return `${chainPrefix(partition)}${String(number).padStart(16, '0')}`;
}

/** From where a chain can be verified: the entries up to there have left. */
export function anchorKey(partition: number): string {
  return `${chainPrefix(partition)}anchor`;
}

export function isAnchor(key: string): boolean {
  return key.endsWith('/anchor');
}

/** The shard whose chain a key belongs to. */
export function chainOf(key: string): number {
  return Number.parseInt(key, 10);
}

/** What all keys of a chain begin with. */
export function chainPrefix(partition: number): string {
  return `${String(partition).padStart(4, '0')}/`;
}
