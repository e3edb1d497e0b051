/**
 * Who should run which partition: computed by the leader of a group from what its members say of themselves.
 *
 * Even and sticky: as many partitions as possible stay where they are, and a member with too many gives up what it took
 * last, so that what came from a worker that failed goes back to it, and a worker that fails again and again disturbs
 * nothing but its own partitions. A partition that moves stays with its owner until the member that it goes to has read
 * it ahead; then it is given to nobody, until its owner has let go. Pure, so that every leader comes to the same.
 */
export interface MemberData {
  /** Name of the worker, for operators. */
  readonly worker: string;
  /** Partitions that it runs, those it is draining too: what it has run longest first. */
  readonly owned: readonly number[];
  /** Generation that it was last assigned in: of two that say they own a partition, the later one does. */
  readonly generation: number;
  /** Partitions that are to come to it and that it has read ahead, as far as it will. */
  readonly ahead: readonly number[];
  /** Partitions that it was asked to take over, and when; the newest request for a partition counts. */
  readonly pulls: ReadonlyArray<{ readonly partition: number; readonly at: number }>;
  /** It is to run nothing. */
  readonly resting?: boolean;
  /** Roles, version, load and the like, for operators. */
  readonly about: Readonly<Record<string, string | number>>;
}

export interface GroupView {
  readonly memberId: string;
  readonly data: MemberData;
}

/** What a member is to do. */
export interface Assignment {
  /** Partitions that it is to run. */
  readonly run: readonly number[];
  /** Partitions that it is to run next: it reads them ahead, and takes them when their owner has let go. */
  readonly coming: readonly number[];
}

/** What each member is to do. Nobody runs anything while every member rests. */
export function assign(partitions: number, members: readonly GroupView[]): ReadonlyMap<string, Assignment> {
  const owners = ownersOf(partitions, members);
  const active = members.filter(({ data }) => data.resting !== true);
  const wanted = wantedOwners(partitions, active, owners);
  const plan = new Map(members.map(({ memberId }) => [memberId, { run: [] as number[], coming: [] as number[] }]));
  for (const [partition, memberId] of wanted.entries()) {
    const owner = owners[partition];
    if (memberId === undefined) continue;
    if (owner === undefined || owner === memberId) {
      plan.get(memberId)?.run.push(partition);
      continue;
    }
    plan.get(memberId)?.coming.push(partition);
    if (!isAhead(members, memberId, partition)) plan.get(owner)?.run.push(partition);
  }
  return plan;
}

function isAhead(members: readonly GroupView[], memberId: string, partition: number): boolean {
  return members.some((member) => member.memberId === memberId && member.data.ahead.includes(partition));
}

function ownersOf(partitions: number, members: readonly GroupView[]): Array<string | undefined> {
  const owners = Array.from<{ memberId: string; generation: number } | undefined>({ length: partitions });
  for (const { memberId, data } of members) {
    for (const partition of data.owned) {
      const known = owners[partition];
      if (partition < partitions && (known === undefined || known.generation < data.generation)) {
        owners[partition] = { memberId, generation: data.generation };
      }
    }
  }
  return Array.from(owners, (owner) => owner?.memberId);
}

function wantedOwners(
  partitions: number,
  members: readonly GroupView[],
  owners: ReadonlyArray<string | undefined>,
): Array<string | undefined> {
  const counts = new Map(members.map(({ memberId }) => [memberId, 0]));
  const quotas = quotasOf(partitions, members, owners);
  const wanted = Array.from<string | undefined>({ length: partitions });
  const give = (partition: number, memberId: string): void => {
    wanted[partition] = memberId;
    counts.set(memberId, (counts.get(memberId) ?? 0) + 1);
  };
  const hasRoom = (memberId: string): boolean => (counts.get(memberId) ?? 0) < (quotas.get(memberId) ?? 0);
  for (const [partition, memberId] of pullsOf(members)) if (partition < partitions) give(partition, memberId);
  for (const { memberId, data } of members) {
    for (const partition of data.owned) {
      const keeps = owners[partition] === memberId && wanted[partition] === undefined;
      if (keeps && hasRoom(memberId)) give(partition, memberId);
    }
  }
  for (const { memberId, data } of members) {
    for (const partition of data.ahead) {
      const isFree = partition < partitions && owners[partition] === undefined && wanted[partition] === undefined;
      if (isFree && hasRoom(memberId)) give(partition, memberId);
    }
  }
  for (let partition = 0; partition < partitions; partition++) {
    if (wanted[partition] !== undefined) continue;
    const free = members.filter(({ memberId }) => hasRoom(memberId));
    const [least] = (free.length > 0 ? free : members)
      .map(({ memberId }) => memberId)
      .sort((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0) || compare(a, b));
    if (least !== undefined) give(partition, least);
  }
  return wanted;
}

/** Equal shares; those who own most keep one more when it does not come out even. */
function quotasOf(
  partitions: number,
  members: readonly GroupView[],
  owners: ReadonlyArray<string | undefined>,
): ReadonlyMap<string, number> {
  const owned = (memberId: string): number => owners.filter((owner) => owner === memberId).length;
  const ranked = members.map(({ memberId }) => memberId).sort((a, b) => owned(b) - owned(a) || compare(a, b));
  const base = Math.floor(partitions / Math.max(1, members.length));
  const extra = partitions % Math.max(1, members.length);
  return new Map(ranked.map((memberId, rank) => [memberId, base + (rank < extra ? 1 : 0)]));
}

function pullsOf(members: readonly GroupView[]): ReadonlyMap<number, string> {
  const newest = new Map<number, { readonly at: number; readonly memberId: string }>();
  for (const { memberId, data } of members) {
    for (const { partition, at } of data.pulls) {
      const known = newest.get(partition);
      if (known === undefined || known.at < at || (known.at === at && compare(known.memberId, memberId) < 0)) {
        newest.set(partition, { at, memberId });
      }
    }
  }
  return new Map([...newest].map(([partition, { memberId }]) => [partition, memberId]));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

export function encodeMember(data: MemberData): Uint8Array {
  return Buffer.from(JSON.stringify({ format: 1, ...data }));
}

/** What a member says of itself; one that cannot be read runs nothing, and may be given what others leave. */
export function decodeMember(bytes: Uint8Array): MemberData {
  const unknown: MemberData = { worker: '', owned: [], generation: -1, ahead: [], pulls: [], about: {} };
  try {
    // Written by `encodeMember` of this version or another one, which may say more but not less.
    const data = JSON.parse(Buffer.from(bytes).toString()) as MemberData;
    return [data.owned, data.pulls, data.ahead].every(Array.isArray) ? data : unknown;
  } catch {
    return unknown;
  }
}

export function encodeAssignment(assignment: Assignment): Uint8Array {
  return Buffer.from(JSON.stringify(assignment));
}

/** An answer without an assignment gives nothing. */
export function decodeAssignment(bytes: Uint8Array): Assignment {
  if (bytes.byteLength === 0) return { run: [], coming: [] };
  // Written by `encodeAssignment` of the group's leader.
  return JSON.parse(Buffer.from(bytes).toString()) as Assignment;
}
