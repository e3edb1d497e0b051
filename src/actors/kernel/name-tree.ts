/**
 * The tree of nact: one node for each cell, and TURN tokens through it. The only module that knows nact, and only its
 * public API. A node holds nothing but its place; nact copies a node's map of children whenever it runs a turn, so many
 * children hang under about sqrt(n) buckets. Names here are generated: nact allows few characters.
 */
import { dispatch, type Ref as NactRef, spawn, start, stop } from 'nact';

export type NactNode = NactRef<unknown>;

/** Where the children of one node hang. */
export interface Branch {
  readonly node: NactNode;
  readonly buckets: NactNode[];
  /** Children placed so far, stopped ones included. */
  placed: number;
  /** Children that hang here now. */
  held: number;
}

/** nact finds its systems by name, in one map for the whole process, so no two may ever bear the same. */
let systems = 0;

function newSystem(): NactNode {
  systems += 1;
  // The types of nact do not know that its first argument may carry the name.
  return Reflect.apply(start, undefined, [{ name: `weir-${systems}` }]);
}

/** Up to so many children hang directly under their parent. */
const directChildren = 16;

export interface NameTreeSetup<Token extends object> {
  /** Runs a turn. Must not throw; what it throws all the same goes to `onDefect`. */
  readonly onTurn: (token: Token) => void;
  readonly onDefect: (token: Token, thrown: unknown) => void;
}

export class NameTree<Token extends object> {
  readonly #system = newSystem();
  readonly root: Branch = { node: this.#system, buckets: [], placed: 0, held: 0 };
  readonly #turn: (state: undefined, token: Token) => undefined;
  /** Nodes that hang under the system itself. */
  readonly #top = new Set<NactNode>();
  #names = 0;

  constructor({ onTurn, onDefect }: NameTreeSetup<Token>) {
    // One function for all nodes, the token says whose turn it is. Nothing may be thrown into nact: it would stop the node.
    const turn = (_state: undefined, token: Token): undefined => {
      try {
        onTurn(token);
      } catch (thrown) {
        onDefect(token, thrown);
      }
    };
    this.#turn = turn;
  }

  branch(node: NactNode): Branch {
    return { node, buckets: [], placed: 0, held: 0 };
  }

  /** Hangs a new node under `branch`. */
  add(branch: Branch): NactNode {
    const parent = this.#place(branch);
    branch.placed += 1;
    branch.held += 1;
    return this.#spawn(parent);
  }

  /** Gives a node one turn, in a macrotask of nact's. */
  give(node: NactNode, token: Token): void {
    dispatch(node, token);
  }

  /** Takes a node away. Its children must be gone; its buckets go with it. */
  remove(node: NactNode, branch: Branch | undefined): void {
    if (branch !== undefined) for (const bucket of branch.buckets) stop(bucket);
    this.#top.delete(node);
    stop(node);
  }

  /** Ends the tree, whatever hangs in it still: nact leaves the actors of a stopped system in their places. */
  close(): void {
    for (const node of this.#top) stop(node);
    this.#top.clear();
    stop(this.#system);
  }

  #spawn(parent: NactNode): NactNode {
    const node = spawn(parent, this.#turn, this.#name());
    if (parent === this.#system) this.#top.add(node);
    return node;
  }

  #place(branch: Branch): NactNode {
    const { buckets, node } = branch;
    if (branch.held < directChildren) return node;
    if (buckets.length * buckets.length <= branch.held) {
      const bucket = this.#spawn(node);
      buckets.push(bucket);
      return bucket;
    }
    return buckets[branch.placed % buckets.length] ?? node;
  }

  #name(): string {
    this.#names += 1;
    return this.#names.toString(36);
  }
}
