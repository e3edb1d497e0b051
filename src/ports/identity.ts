/**
 * Identities: a member is a holding identity, an X.500 (or other) name in a membership group. One name may be in two
 * groups, so nothing may ever be keyed by the name alone.
 */
import { hash } from 'node:crypto';

export interface Identity {
  /** X.500 name, BIC or any other name; unique within its group only. */
  readonly name: string;
  /** The membership group's id. */
  readonly group: string;
}

/** A member as programs name one: by its name alone when it is of the default group, else by its identity. */
export type MemberName = Identity | string;

/** Short, URL-safe id of an identity: the first 16 hex digits of SHA-256 over its canonical JSON. */
export type MemberId = string;

/** The group of a node that names none. */
export const defaultGroup = 'default';

export function identityOf(member: MemberName): Identity {
  return typeof member === 'string' ? { name: member, group: defaultGroup } : member;
}

export function memberId({ name, group }: Identity): MemberId {
  return known.get(group)?.get(name) ?? noted(name, group);
}

/** Ids by group and name: each authorisation asks for one, and a hash costs more than the rest of it. */
const known = new Map<string, Map<string, MemberId>>();
/** Groups, and names of each, that are known at most: names come from strangers, too. */
const mostKnown = 256;

function noted(name: string, group: string): MemberId {
  const id = hash('sha256', JSON.stringify([name, group]), 'hex').slice(0, 16);
  if (known.size >= mostKnown) known.clear();
  const names = known.get(group) ?? new Map<string, MemberId>();
  if (names.size >= mostKnown) names.clear();
  known.set(group, names.set(name, id));
  return id;
}

export function sameIdentity(a: Identity, b: Identity): boolean {
  return a.name === b.name && a.group === b.group;
}

/** Who the members are, on this node and elsewhere. */
export interface MemberDirectory {
  /** The member of this id, if it is known. */
  byId(id: MemberId): Identity | undefined;
  /** The member of this name in this group, if it is known. */
  find(name: string, group: string): Identity | undefined;
  /** Members that this node hosts. */
  hosted(): readonly Identity[];
}
