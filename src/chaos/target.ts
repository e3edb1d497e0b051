/**
 * What a fault is aimed at: one line of text in the data, a tagged object inside.
 * Owns both forms and the one translation between them.
 */

/** The log as a whole: all its shards, and the disk or the brokers behind it. */
export type LogTarget = 'log';
/** `shard 3`: that partition of every topic; `shard flow.state/3`: of one topic. */
export type ShardTarget = `shard ${number}` | `shard ${string}/${number}`;
/** Path of an actor, as the live tree shows it: `/services/rpc`. */
export type ActorTarget = `/${string}`;
/** `peers`: every message; `peer NAME`: those from and to one member (by its name or short id) or node. */
export type PeerTarget = 'peers' | `peer ${string}`;
export type Target = 'worker' | 'clock' | LogTarget | ShardTarget | ActorTarget | PeerTarget;

export interface Shard {
  readonly type: 'shard';
  /** Undefined: of every topic. */
  readonly topic: string | undefined;
  readonly partition: number;
}

/** A target that has been read. */
export type Aim =
  | { readonly type: 'worker' | 'clock' | 'log' | 'peers' }
  | Shard
  | { readonly type: 'actor'; readonly path: string }
  | { readonly type: 'peer'; readonly name: string };

/** How each kind of target is written, for messages. */
export const targetForms: Readonly<Record<Aim['type'], string>> = {
  worker: 'worker',
  clock: 'clock',
  log: 'log',
  shard: 'shard N',
  actor: '/path/of/an/actor',
  peers: 'peers',
  peer: 'peer NAME',
};

/** The aim that a text stands for; undefined when it is none. */
export function aimOf(text: string): Aim | undefined {
  switch (text) {
    case 'worker':
    case 'clock':
    case 'log':
    case 'peers':
      return { type: text };
  }
  if (/^\/[^/]/.test(text)) return { type: 'actor', path: text };
  const shard = /^shard (?:(\S+)\/)?(\d{1,6})$/.exec(text);
  if (shard !== null) return { type: 'shard', topic: shard[1], partition: Number(shard[2]) };
  const peer = /^peer (\S.*)$/.exec(text)?.[1];
  return peer === undefined ? undefined : { type: 'peer', name: peer };
}
