/** Which members a node hosts, and what each of them runs. Checked when it is made, read-only afterwards. */

import type { ZodType } from 'zod';
import { WeirError } from '../../errors/index.ts';
import { type Identity, type MemberDirectory, type MemberId, memberId } from '../../ports/index.ts';
import type { AnyFlow } from './definition.ts';
import type { ActorMessageTypes, PersistentActor } from './persistent-actor.ts';

/** Any kind of persistent actor. */
export type AnyActor = Omit<PersistentActor<ZodType, ActorMessageTypes>, 'on' | 'initial'> & {
  readonly initial: (key: string) => unknown;
  readonly on: Readonly<Record<string, unknown>>;
};

export interface HostedMember {
  readonly identity: Identity;
  readonly flows: readonly AnyFlow[];
  readonly actors: readonly AnyActor[];
}

type FindMember = MemberDirectory['find'];

interface MemberEntry {
  readonly identity: Identity;
  readonly flows: ReadonlyMap<string, AnyFlow>;
  readonly responders: ReadonlyMap<string, AnyFlow>;
  readonly actors: ReadonlyMap<string, AnyActor>;
}

export class Registry implements MemberDirectory {
  /** By name, of one or two groups; ids are hashes, too dear for what each start asks several times. */
  readonly #members = new Map<string, MemberEntry[]>();
  readonly #byId = new Map<MemberId, Identity>();
  readonly #elsewhere: FindMember;

  /**
   * `elsewhere` finds members of other nodes. Default: there are none.
   * @throws WeirError `WEIR_FLOW_DEFINITION` when two things of one member bear one name
   */
  constructor(members: readonly HostedMember[], elsewhere: FindMember = () => undefined) {
    this.#elsewhere = elsewhere;
    for (const { identity, flows: listed, actors } of members) {
      // Whoever exports an older version beside the new one means one flow.
      const former = new Set(listed.flatMap(({ previous }) => previous));
      const flows = listed.filter((flow) => !former.has(flow));
      const byName = unique(identity, 'flows', flows, (flow) => flow.name);
      const answering = flows.filter((flow) => flow.responds !== undefined);
      const responders = unique(identity, 'responders', answering, (flow) => flow.responds?.name ?? '');
      const entry = { identity, flows: byName, responders, actors: unique(identity, 'actors', actors, (a) => a.name) };
      if (this.#of(identity) !== undefined) {
        throw new WeirError('WEIR_FLOW_DEFINITION', { name: identity.name, why: 'the member is listed twice' });
      }
      const namesakes = this.#members.get(identity.name);
      if (namesakes === undefined) this.#members.set(identity.name, [entry]);
      else namesakes.push(entry);
      this.#byId.set(memberId(identity), identity);
    }
  }

  /** The newest version; older ones stand in its `previous`. */
  flow(member: Identity, name: string): AnyFlow | undefined {
    return this.#of(member)?.flows.get(name);
  }

  flowNames(member: Identity): readonly string[] {
    return [...(this.#of(member)?.flows.keys() ?? [])];
  }

  /** The flow that answers sessions of this protocol. */
  responder(member: Identity, protocol: string): AnyFlow | undefined {
    return this.#of(member)?.responders.get(protocol);
  }

  actor(member: Identity, name: string): AnyActor | undefined {
    return this.#of(member)?.actors.get(name);
  }

  byId(id: MemberId): Identity | undefined {
    return this.#byId.get(id);
  }

  find(name: string, group: string): Identity | undefined {
    return this.#of({ name, group })?.identity;
  }

  /** The member of this name that a session can be opened with, here or on another node. */
  reachable(name: string, group: string): Identity | undefined {
    return this.find(name, group) ?? this.#elsewhere(name, group);
  }

  hosted(): readonly Identity[] {
    return [...this.#members.values()].flat().map(({ identity }) => identity);
  }

  #of({ name, group }: Identity): MemberEntry | undefined {
    return this.#members.get(name)?.find(({ identity }) => identity.group === group);
  }
}

function unique<T>(member: Identity, what: string, things: readonly T[], nameOf: (thing: T) => string): Map<string, T> {
  const map = new Map<string, T>();
  for (const thing of things) {
    const name = nameOf(thing);
    if (map.has(name)) {
      throw new WeirError('WEIR_FLOW_DEFINITION', { name, why: `member ${member.name} has two ${what} of this name` });
    }
    map.set(name, thing);
  }
  return map;
}
