/**
 * Every strategy, exit reason and restart type against a table that was written by hand from OTP's documentation:
 * "Supervisor Behaviour" (erlang/otp, system/doc/design_principles/sup_princ.md) and the manual of `supervisor`
 * (lib/stdlib/src/supervisor.erl).
 *
 * Under a supervisor stand `earlier`, `child` and `later`, started in this order; `earlier` and `later` are permanent. A
 * cell says what has become of each of them, of the supervisor, and how often a budget was charged:
 * `earlier child later supervisor charged`, with k = kept, R = restarted, E = ended, F = failed, B = blocked.
 */
import { describe, expect, it } from 'vitest';
import type { ActorContext, ActorSystem, Ref } from '../../src/actors/kernel/index.ts';
import { seededRandom } from '../../src/ports/index.ts';
import {
  type AnyBehavior,
  type ChildSpec,
  type ChildStatus,
  type Restart,
  type SupervisorMessage,
  type SupervisorSpec,
  supervisor,
} from '../../src/supervisors/index.ts';
import { testSystem } from '../actors/kernel/support.ts';

const table = `
  one-for-one               | permanent | transient | temporary
  normal                    | k R k k 1 | k E k k 0 | k E k k 0
  shutdown                  | k R k k 1 | k E k k 0 | k E k k 0
  error                     | k R k k 1 | k R k k 1 | k E k k 0
  kill                      | k R k k 1 | k R k k 1 | k E k k 0
  failed restart            | k R k k 2 | k R k k 2 | k E k k 0
  crash while restarting    | k R k k 1 | k R k k 1 | k E k k 0
  hung stop of a sibling    | k R k k 1 | k R k k 1 | k E k k 0
  error of earlier          | R k k k 1 | R k k k 1 | R k k k 1
  error of later            | k k R k 1 | k k R k 1 | k k R k 1
  terminated                | k E k k 0 | k E k k 0 | k E k k 0
  terminated, its stop hung | k E k k 0 | k E k k 0 | k E k k 0
  crash of the supervisor   | R R R R 0 | R R R R 0 | R R R R 0
  failed start              | E E E F 0 | E E E F 0 | E E E F 0
  hung start                | k B B B 0 | k B B B 0 | k B B B 0

  all-for-one               | permanent | transient | temporary
  normal                    | R R R k 1 | k E k k 0 | k E k k 0
  shutdown                  | R R R k 1 | k E k k 0 | k E k k 0
  error                     | R R R k 1 | R R R k 1 | k E k k 0
  kill                      | R R R k 1 | R R R k 1 | k E k k 0
  failed restart            | R R R k 2 | R R R k 2 | k E k k 0
  crash while restarting    | R R R k 2 | R R R k 2 | k E k k 0
  hung stop of a sibling    | R R R k 1 | R R R k 1 | k E k k 0
  error of earlier          | R R R k 1 | R R R k 1 | R E R k 1
  error of later            | R R R k 1 | R R R k 1 | R E R k 1
  terminated                | k E k k 0 | k E k k 0 | k E k k 0
  terminated, its stop hung | k E k k 0 | k E k k 0 | k E k k 0
  crash of the supervisor   | R R R R 0 | R R R R 0 | R R R R 0
  failed start              | E E E F 0 | E E E F 0 | E E E F 0
  hung start                | k B B B 0 | k B B B 0 | k B B B 0

  rest-for-one              | permanent | transient | temporary
  normal                    | k R R k 1 | k E k k 0 | k E k k 0
  shutdown                  | k R R k 1 | k E k k 0 | k E k k 0
  error                     | k R R k 1 | k R R k 1 | k E k k 0
  kill                      | k R R k 1 | k R R k 1 | k E k k 0
  failed restart            | k R R k 2 | k R R k 2 | k E k k 0
  crash while restarting    | k R R k 2 | k R R k 2 | k E k k 0
  hung stop of a sibling    | k R R k 1 | k R R k 1 | k E k k 0
  error of earlier          | R R R k 1 | R R R k 1 | R E R k 1
  error of later            | k k R k 1 | k k R k 1 | k k R k 1
  terminated                | k E k k 0 | k E k k 0 | k E k k 0
  terminated, its stop hung | k E k k 0 | k E k k 0 | k E k k 0
  crash of the supervisor   | R R R R 0 | R R R R 0 | R R R R 0
  failed start              | E E E F 0 | E E E F 0 | E E E F 0
  hung start                | k B B B 0 | k B B B 0 | k B B B 0
`;

/**
 * Where Weir means to differ. In OTP a supervisor starts its children in its own start, so that a child that cannot start
 * fails the whole tree, and one that hangs holds it up for ever. Weir's children start by themselves: a failed start, or
 * one beyond its deadline (`startWithin`), is a failure like any other, with backoff, and its siblings have their own lives.
 */
const weir = `
  one-for-one               | permanent | transient | temporary
  failed start              | k R k k 1 | k R k k 1 | k E k k 0
  hung start                | k R k k 1 | k R k k 1 | k E k k 0

  all-for-one               | permanent | transient | temporary
  failed start              | R R k k 1 | R R k k 1 | k E k k 0
  hung start                | R R k k 1 | R R k k 1 | k E k k 0

  rest-for-one              | permanent | transient | temporary
  failed start              | k R k k 1 | k R k k 1 | k E k k 0
  hung start                | k R k k 1 | k R k k 1 | k E k k 0
`;

interface Row {
  readonly strategy: SupervisorSpec['strategy'];
  readonly reason: string;
  readonly restart: Restart;
  readonly outcome: string;
}

const restartTypes: readonly Restart[] = ['permanent', 'transient', 'temporary'];

function rowsOf(text: string): Row[] {
  let strategy: Row['strategy'] = 'one-for-one';
  return text.split('\n').flatMap((line) => {
    const [reason = '', ...cells] = line.split('|').map((cell) => cell.trim());
    if (reason === 'one-for-one' || reason === 'all-for-one' || reason === 'rest-for-one') strategy = reason;
    else if (reason !== '')
      return restartTypes.map((restart, at) => ({ strategy, reason, restart, outcome: cells[at] ?? '' }));
    return [];
  });
}

const keyOf = ({ strategy, reason, restart }: Row): string => `${strategy}/${reason}/${restart}`;

type Start = 'starts' | 'throws' | 'hangs';

/** A child that starts, and stops, as the row says. */
class Actor {
  readonly id: string;
  /** How its next starts go; then it starts. */
  readonly script: Start[] = [];
  stopHangs = false;
  starts = 0;
  context: ActorContext<never> | undefined;

  constructor(id: string) {
    this.id = id;
  }

  spec(settings: Partial<ChildSpec> = {}): ChildSpec {
    const start: ChildSpec['start'] = () => (context) => {
      this.starts += 1;
      const how = this.script.shift() ?? 'starts';
      if (how === 'throws') throw new Error(`${this.id} cannot start`);
      if (how === 'hangs') return new Promise(() => undefined);
      this.context = context;
      return { message: () => undefined, ended: () => (this.stopHangs ? new Promise(() => undefined) : undefined) };
    };
    return { id: this.id, startWithin: '1 s', start, ...settings };
  }

  fail(): void {
    this.context?.fail(new Error(`${this.id} failed`));
  }

  get fate(): string {
    if (this.context === undefined || this.context.signal.aborted) return 'E';
    return this.starts === 1 ? 'k' : 'R';
  }
}

interface Stage {
  readonly system: ActorSystem;
  readonly earlier: Actor;
  readonly child: Actor;
  readonly later: Actor;
  readonly terminate: () => void;
  readonly settle: () => Promise<void>;
}

const path = '/outer/inner/child';

/** What makes each row happen, once all run that can. */
const happenings: Readonly<Record<string, (stage: Stage) => void | Promise<void>>> = {
  normal: ({ child }) => child.context?.finish(),
  shutdown: ({ system }) => void system.steer.stop(path),
  error: ({ child }) => child.fail(),
  // It is told to end, does not, and is given up.
  kill: async ({ system, settle }) => {
    system.steer.hang(path);
    await settle();
    void system.steer.stop(path);
  },
  'failed restart': ({ child }) => {
    child.script.push('throws');
    child.fail();
  },
  'crash while restarting': ({ child, later }) => {
    later.script.push('throws');
    child.fail();
  },
  'hung stop of a sibling': ({ child, later }) => {
    later.stopHangs = true;
    child.fail();
  },
  'error of earlier': ({ earlier }) => earlier.fail(),
  'error of later': ({ later }) => later.fail(),
  terminated: ({ terminate }) => terminate(),
  'terminated, its stop hung': ({ child, terminate }) => {
    child.stopHangs = true;
    terminate();
  },
  'crash of the supervisor': ({ system }) => void system.steer.crash('/outer/inner', new Error('a defect')),
  'failed start': () => undefined,
  'hung start': () => undefined,
};

interface Outcome {
  readonly text: string;
  /** Restarts of each child, which is what its budget was charged with. */
  readonly charges: readonly number[];
  readonly downs: readonly string[];
}

async function play({ strategy, reason, restart }: Row, max: number): Promise<Outcome> {
  const { clock, system, settle } = testSystem();
  const [earlier, child, later] = [new Actor('earlier'), new Actor('child'), new Actor('later')];
  if (reason === 'failed start') child.script.push('throws');
  if (reason === 'hung start') child.script.push('hangs');
  const backoff = { min: 100, max: 1_000, jitter: 0 };
  const inner: SupervisorSpec = {
    strategy,
    intensity: { max, within: '1 h' },
    backoff,
    children: [earlier.spec(), child.spec({ restart }), later.spec()],
  };
  const downs: string[] = [];
  const setup = { random: seededRandom(1), onDown: (id: string) => void downs.push(id) };
  let supervising: Ref<SupervisorMessage> | undefined;
  const start = (): AnyBehavior => {
    const behavior = supervisor(inner, setup);
    return (context: ActorContext<SupervisorMessage>) => {
      supervising = context.self;
      return behavior(context);
    };
  };
  const outer = supervisor(
    {
      strategy: 'one-for-one',
      intensity: { max: 10, within: '1 h' },
      backoff,
      children: [{ id: 'inner', shutdown: 'infinite', start }],
    },
    setup,
  );
  const uidOf = (): number | undefined => system.tree()[0]?.children[0]?.uid;
  const ask = <Reply>(make: (replyTo: Ref<Reply>) => SupervisorMessage): Promise<Reply> =>
    system.ask(supervising ?? expect.unreachable(), make, { withinMs: 30_000 });
  system.spawn('outer', outer, { shutdownMs: Number.POSITIVE_INFINITY });
  await settle();
  const before = uidOf();
  const terminate = (): void => void ask((replyTo) => ({ type: 'terminate-child', id: 'child', replyTo }));
  await happenings[reason]?.({ system, earlier, child, later, terminate, settle });
  await clock.advance('1 min');
  const after = uidOf();
  const status = ask<readonly ChildStatus[]>((replyTo) => ({ type: 'status', replyTo }));
  await settle();
  const charges = after === undefined ? [] : (await status).map(({ restarts }) => restarts);
  const fate = after === undefined ? 'F' : after === before ? 'k' : 'R';
  const charged = charges.reduce((sum, each) => sum + each, 0);
  return { text: `${earlier.fate} ${child.fate} ${later.fate} ${fate} ${charged}`, charges, downs };
}

describe('supervision as in OTP', () => {
  const differing = new Map(rowsOf(weir).map((row) => [keyOf(row), row]));
  const rows = rowsOf(table);

  it('AK5 the table has every exit reason with every strategy and restart type, and says where Weir differs', () => {
    expect(new Set(rows.map(keyOf)).size).toBe(Object.keys(happenings).length * 3 * restartTypes.length);
    for (const row of rows) expect(row.outcome).toMatch(/^([kREFB] ){4}\d$/);
    expect(rows.filter((row) => differing.has(keyOf(row)))).toHaveLength(differing.size);
  });

  for (const row of rows) {
    const { outcome } = differing.get(keyOf(row)) ?? row;
    const { strategy, reason, restart } = row;
    it(`AK5 ${strategy}, ${reason}, ${restart}: ${outcome}`, async () => {
      const played = await play(row, 5);
      expect(played.text).toBe(outcome);
      expect(played.downs).toEqual([]);
      const most = Math.max(...played.charges);
      // A budget of just as many restarts changes nothing; with one less somebody is down.
      expect(await play(row, most)).toEqual(played);
      if (most > 0) expect((await play(row, most - 1)).downs).not.toEqual([]);
    });
  }
});
