/** What a flow did, as it was seen: its visits of stages, and the operations of each with their outcomes. */
import type { Op } from '../../actors/flow/index.ts';
import { decodeValue } from '../../persistence/index.ts';
import { brief } from '../expectation.ts';

export interface SeenOp {
  /** `visit.index`: the same at every replay. */
  readonly place: string;
  readonly op: Op['op'];
  /** What it is for whoever wrote the flow. */
  readonly text: string;
  /** Everything that a replay has to do again in the same way. */
  readonly identity: string;
  /** Id of the session, for operations of one. */
  readonly session: string | undefined;
  /** Whether the script has a say in it, and what. */
  verdict: 'free' | 'expected' | 'unexpected';
  outcome: string | undefined;
  /** `open` until it gives the flow something. */
  state: 'open' | 'done' | 'failed';
  /** What the worker was killed at before it, if it was. */
  readonly after: string | undefined;
}

export interface SeenVisit {
  readonly number: number;
  readonly stage: string;
  readonly state: unknown;
  readonly ops: SeenOp[];
}

/** What the world sees of a flow; the others bring something in, or are of no concern to anybody else. */
const effects: ReadonlySet<Op['op']> = new Set(['step', 'send', 'ask', 'tell', 'sleep', 'close']);

export class History {
  readonly visits: SeenVisit[] = [];
  /** Session id to name of the peer. */
  readonly peers = new Map<string, string>();

  ops(): SeenOp[] {
    return this.visits.flatMap(({ ops }) => ops);
  }

  /** One line for each effect: `step "charge"`, `send paid to SELLER`. */
  effects(): string[] {
    return this.ops().flatMap(({ op, text }) => (effects.has(op) ? [text] : []));
  }

  /** The whole of it, one line for each visit and operation. */
  lines(mark: (op: SeenOp) => string = () => '  '): string[] {
    return this.visits.flatMap(({ stage, state, ops }) => [
      `  stage ${stage} ${brief(state)}`,
      ...ops.map((op) => `${mark(op)}  ${op.text}${op.outcome === undefined ? '' : ` → ${op.outcome}`}`),
    ]);
  }

  /** The question that the flow waits on. */
  question(): SeenOp | undefined {
    return this.ops().findLast(({ op, state }) => op === 'ask' && state === 'open');
  }

  seen(op: Op, place: string, after: string | undefined): SeenOp {
    return {
      place,
      op: op.op,
      text: this.#textOf(op),
      identity: identityOf(op),
      session: 'session' in op ? op.session : undefined,
      verdict: 'free',
      outcome: undefined,
      state: 'open',
      after,
    };
  }

  /** What an operation gave the flow. */
  succeeded(seen: SeenOp, op: Op, value: unknown): void {
    seen.state = 'done';
    if (op.op === 'open') this.peers.set(String(value), op.peerName);
    else if (op.op === 'receive' || op.op === 'signal') seen.outcome = received(value);
    else if (value !== undefined) seen.outcome = brief(value);
  }

  failed(seen: SeenOp, error: unknown): void {
    seen.state = 'failed';
    const code = error instanceof Error && 'code' in error ? `${String(error.code)}: ` : '';
    seen.outcome = `! ${code}${error instanceof Error ? error.message : brief(error)}`;
  }

  #textOf(op: Op): string {
    const peer = 'session' in op ? (this.peers.get(op.session) ?? 'the peer') : '';
    switch (op.op) {
      case 'step':
        return `step "${op.label}"`;
      case 'sleep':
        return `sleep ${op.label}`;
      case 'now':
        return 'now()';
      case 'open':
        return `open ${op.label}`;
      case 'send':
        return `send ${op.type} to ${peer} ${brief(decodeValue(op.body))}`;
      case 'receive':
        return `receive from ${peer}`;
      case 'enter':
        return `subflow ${op.label}`;
      case 'leave':
        return `end of subflow ${op.label}`;
      case 'signal':
        return `signal ${op.label}`;
      case 'progress':
        return `progress "${op.label}"`;
      case 'close':
        return `close the session with ${peer}`;
      case 'ask':
      case 'tell':
        return `${op.op} ${op.actor}/${op.key} ${op.type} ${brief(decodeValue(op.body))}`;
    }
  }
}

function identityOf(op: Op): string {
  const bytes = 'body' in op && op.body instanceof Uint8Array ? Buffer.from(op.body).toString('hex') : '';
  const ms = op.op === 'sleep' ? op.ms : 'withinMs' in op ? (op.withinMs ?? '') : '';
  return JSON.stringify([op.op, op.label, ms, bytes]);
}

/** A receive gives type and bytes of a message; nothing stands for "timed out". */
function received(value: unknown): string {
  const [type, body] = Array.isArray(value) ? value : [];
  return body instanceof Uint8Array ? `${String(type)} ${brief(decodeValue(body))}` : 'timedOut';
}
