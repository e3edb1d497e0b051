/**
 * A model of a supervision tree, from one moment of rest to the next: what has become of each child once all backoffs are
 * over. No actors, no time, no turns: only OTP's rules, with a budget for each child.
 */
import { isSupervisor, type LeafNode, type SupervisorNode, type TreeNode } from './trees.ts';

interface ModelChild {
  readonly node: TreeNode;
  readonly listed: boolean;
  state: 'ready' | 'stopped' | 'down' | 'waiting';
  charges: number;
  restarts: number;
  /** What it is, if it is a supervisor that runs. */
  inner: ModelSupervisor | undefined;
}

interface ModelSupervisor {
  readonly node: SupervisorNode;
  readonly parent: { readonly supervisor: ModelSupervisor; readonly child: ModelChild } | undefined;
  readonly children: ModelChild[];
  stands: boolean;
}

export class TreeModel {
  readonly top: ModelSupervisor;
  /** How often each leaf has started. */
  readonly starts = new Map<string, number>();

  constructor(tree: SupervisorNode) {
    this.top = this.#supervise(tree, undefined);
  }

  /** Supervisors that stand, by id. */
  standing(): Map<string, ModelSupervisor> {
    const found = new Map<string, ModelSupervisor>();
    const look = (supervisor: ModelSupervisor): void => {
      if (!supervisor.stands) return;
      found.set(supervisor.node.id, supervisor);
      for (const { inner } of supervisor.children) if (inner !== undefined) look(inner);
    };
    look(this.top);
    return found;
  }

  find(id: string): { readonly supervisor: ModelSupervisor; readonly child: ModelChild } | undefined {
    for (const supervisor of this.standing().values()) {
      const child = supervisor.children.find(({ node }) => node.id === id);
      if (child !== undefined) return { supervisor, child };
    }
    return undefined;
  }

  /** The leaf, or the supervisor itself, fails. */
  fails(id: string): void {
    const found = this.find(id);
    if (found?.child.state === 'ready') this.#ended(found.supervisor, found.child, true);
  }

  /** The leaf ends without a failure. */
  finishes(id: string): void {
    const found = this.find(id);
    if (found?.child.state === 'ready') this.#ended(found.supervisor, found.child, false);
  }

  terminated(id: string): void {
    const found = this.find(id);
    if (found === undefined || found.child.state === 'down' || found.child.state === 'stopped') return;
    this.#over(found.supervisor, found.child, 'stopped');
    this.#settle(found.supervisor);
  }

  restarted(id: string): void {
    const found = this.find(id);
    if (found === undefined || found.child.state === 'ready' || found.child.state === 'waiting') return;
    found.child.charges = 0;
    found.child.state = 'waiting';
    this.#settle(found.supervisor);
  }

  added(under: string, node: LeafNode): void {
    const supervisor = this.standing().get(under);
    if (supervisor === undefined || supervisor.children.some((child) => child.node.id === node.id)) return;
    supervisor.children.push(this.#child(node, false));
    this.#settle(supervisor);
  }

  /** As the supervisor reports it. */
  statusOf({ children }: ModelSupervisor): string {
    return children.map(({ node: { id }, state, restarts }) => `${id}:${state}:${restarts}`).join(' ');
  }

  #supervise(node: SupervisorNode, parent: ModelSupervisor['parent']): ModelSupervisor {
    const children = node.children.map((child) => this.#child(child, true));
    const supervisor: ModelSupervisor = { node, parent, children, stands: true };
    this.#settle(supervisor);
    return supervisor;
  }

  #child(node: TreeNode, listed: boolean): ModelChild {
    return { node, listed, state: 'waiting', charges: 0, restarts: 0, inner: undefined };
  }

  /** Starts what can start; fails if nothing is left. */
  #settle(supervisor: ModelSupervisor): void {
    if (!supervisor.stands) return;
    const { node, children } = supervisor;
    for (const child of children) {
      if (child.state === 'waiting' && !this.#heldUp(node, children, child)) this.#start(supervisor, child);
    }
    const down = children.some(({ state }) => state === 'down');
    if (down && !children.some(({ state }) => state === 'ready')) this.#supervisorEnds(supervisor, true);
  }

  #heldUp({ strategy }: SupervisorNode, children: readonly ModelChild[], child: ModelChild): boolean {
    if (strategy === 'one-for-one') return false;
    const before = children.slice(0, children.indexOf(child));
    if (before.some(({ state }) => state === 'down' || state === 'waiting')) return true;
    return strategy === 'all-for-one' && children.some(({ state }) => state === 'down');
  }

  #start(supervisor: ModelSupervisor, child: ModelChild): void {
    const { node } = child;
    child.state = 'ready';
    if (isSupervisor(node)) child.inner = this.#supervise(node, { supervisor, child });
    else this.starts.set(node.id, (this.starts.get(node.id) ?? 0) + 1);
  }

  #ended(supervisor: ModelSupervisor, child: ModelChild, failed: boolean): void {
    const { restart } = child.node;
    if (restart === 'temporary' || (restart === 'transient' && !failed)) {
      this.#over(supervisor, child, 'stopped');
      if (this.#isDone(supervisor, child)) this.#supervisorEnds(supervisor, false);
      else this.#settle(supervisor);
      return;
    }
    child.charges += 1;
    if (child.charges <= supervisor.node.max) {
      this.#end(child);
      child.restarts += 1;
      child.state = 'waiting';
      this.#takeAlong(supervisor, child);
      this.#settle(supervisor);
      return;
    }
    this.#over(supervisor, child, 'down');
    this.#takeAlong(supervisor, child);
    if (child.node.significant) this.#supervisorEnds(supervisor, true);
    else this.#settle(supervisor);
  }

  #takeAlong(supervisor: ModelSupervisor, failed: ModelChild): void {
    const { children, node } = supervisor;
    const at = children.indexOf(failed);
    const along =
      node.strategy === 'one-for-one'
        ? []
        : children.filter((child, index) => child !== failed && (node.strategy === 'all-for-one' || index > at));
    for (const child of along.filter(({ state }) => state === 'ready')) {
      if (child.node.restart === 'temporary') this.#over(supervisor, child, 'stopped');
      else {
        this.#end(child);
        child.state = 'waiting';
      }
    }
  }

  /** Whether the work of the supervisor is done, now that this child has ended by itself. */
  #isDone({ node, children }: ModelSupervisor, child: ModelChild): boolean {
    if (!child.node.significant || node.autoShutdown === 'never') return false;
    const active = children.filter(
      (other) => other.node.significant && (other.state === 'ready' || other.state === 'waiting'),
    );
    return node.autoShutdown === 'any-significant' || active.length === 0;
  }

  #over(supervisor: ModelSupervisor, child: ModelChild, state: 'stopped' | 'down'): void {
    this.#end(child);
    child.state = state;
    const forgotten = !child.listed && child.node.restart === 'temporary';
    if (forgotten) supervisor.children.splice(supervisor.children.indexOf(child), 1);
  }

  #end({ inner }: ModelChild): void {
    if (inner === undefined) return;
    inner.stands = false;
    for (const child of inner.children) this.#end(child);
  }

  #supervisorEnds(supervisor: ModelSupervisor, failed: boolean): void {
    if (!supervisor.stands) return;
    supervisor.stands = false;
    for (const child of supervisor.children) this.#end(child);
    const { parent } = supervisor;
    if (parent === undefined) return;
    this.#ended(parent.supervisor, parent.child, failed);
  }
}
