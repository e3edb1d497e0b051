/** The order that `needs` gives: who can start after whom, who falls with whom, and who waits on whom. */
export interface Needing {
  readonly id: string;
  readonly needs?: readonly string[];
}

/** The ids along a circle of needs, its first id at both ends, or `undefined` if there is none. */
export function cycleIn(children: readonly Needing[]): readonly string[] | undefined {
  const byId = new Map(children.map((child) => [child.id, child]));
  const done = new Set<string>();
  const visit = (id: string, above: readonly string[]): readonly string[] | undefined => {
    if (above.includes(id)) return [...above.slice(above.indexOf(id)), id];
    if (done.has(id)) return undefined;
    done.add(id);
    for (const needed of byId.get(id)?.needs ?? []) {
      const cycle = visit(needed, [...above, id]);
      if (cycle !== undefined) return cycle;
    }
    return undefined;
  };
  for (const { id } of children) {
    const cycle = visit(id, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Each child after all that it needs, otherwise as listed. There must be no circle. */
export function startOrder<Child extends Needing>(children: readonly Child[]): readonly Child[] {
  const byId = new Map(children.map((child) => [child.id, child]));
  const ordered = new Set<Child>();
  const place = (child: Child): void => {
    if (ordered.has(child)) return;
    for (const needed of child.needs ?? []) {
      const prerequisite = byId.get(needed);
      if (prerequisite !== undefined) place(prerequisite);
    }
    ordered.add(child);
  };
  for (const child of children) place(child);
  return [...ordered];
}

/** Ids of all children that need `id`, directly or through others. */
export function dependentsOf(id: string, children: readonly Needing[]): ReadonlySet<string> {
  const found = new Set<string>();
  const queue = [id];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const child of children) {
      if (found.has(child.id) || !child.needs?.includes(next)) continue;
      found.add(child.id);
      queue.push(child.id);
    }
  }
  return found;
}
