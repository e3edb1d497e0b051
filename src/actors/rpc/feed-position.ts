/**
 * How far a client has followed the changes of flows, as text that any worker of the node understands: for each shard
 * the commit up to which it was told, and when it was told everything last.
 *
 * Commits are numbered by their shards, over takeovers and workers (`StatusRecord.commit`). Several statuses may carry
 * one number, so whoever comes back is told those of the last commit again.
 */
import { WeirError } from '../../errors/index.ts';

export interface FeedPosition {
  /** Shards of the node that gave it. */
  readonly partitions: number;
  /** Everything that was known at this time was told: milliseconds since 1970. */
  readonly at: number;
  /** By shard: everything below this commit was told. A shard that is missing has told nothing. */
  readonly commits: ReadonlyMap<number, number>;
}

const form = '1';
const longest = 64 * 1024;
const shape = /^1\.[0-9a-z]{1,3}\.[0-9a-z]{1,9}(?:\.[0-9a-z]{1,2}-[0-9a-z]{1,11})*$/;

/** May stand in a URL as it is. */
export function positionText({ partitions, at, commits }: FeedPosition): string {
  const shards = [...commits].map(([partition, commit]) => `.${partition.toString(36)}-${commit.toString(36)}`);
  return `${form}.${partitions.toString(36)}.${at.toString(36)}${shards.join('')}`;
}

/** @throws WeirError `WEIR_REQUEST_INVALID` for what no feed gave */
export function positionOf(text: string): FeedPosition {
  if (text.length > longest || !shape.test(text)) {
    throw new WeirError('WEIR_REQUEST_INVALID', { why: '"from" is not a position that a feed gave' });
  }
  const [, partitions = '', at = '', ...shards] = text.split('.');
  const commits = shards.map((shard) => {
    const [partition = '', commit = ''] = shard.split('-');
    return [Number.parseInt(partition, 36), Number.parseInt(commit, 36)] as const;
  });
  return { partitions: Number.parseInt(partitions, 36), at: Number.parseInt(at, 36), commits: new Map(commits) };
}
