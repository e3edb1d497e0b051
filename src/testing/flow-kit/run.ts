/**
 * One run of a script on the real engine: a node in memory, scripted members around it, time that the script moves.
 *
 * The `straight` run is left in peace and finds out what the flow does. The `restarting` run kills the worker once at
 * every suspension, in the middle of steps too, and lets bodies answer what they answered the first time: whatever the
 * flow does otherwise then did not come from its checkpoint.
 */
import type { MessageTypes, Op, Protocol } from '../../actors/flow/index.ts';
import type { FlowView } from '../../actors/rpc/index.ts';
import { WeirError } from '../../errors/index.ts';
import { actorHead, decodeValue, flowHead } from '../../persistence/index.ts';
import {
  type Duration,
  type Identity,
  identityOf,
  type LogFields,
  type Random,
  seededRandom,
} from '../../ports/index.ts';
import type { CommitBatch } from '../../transport/log/index.ts';
import type { CapturedLine } from '../captured-log.ts';
import { brief, type CallSite, difference, meets } from '../expectation.ts';
import type { Conversation } from '../peer-scripts.ts';
import { type ScriptedTestNode, testNodeOn } from '../test-node.ts';
import { toNextTimer } from '../until.ts';
import { ActorScripts } from './actor-scripts.ts';
import type { History, SeenOp } from './history.ts';
import { elsewhere, Observer } from './observer.ts';
import { actorName, type Channel, type Line, type Script } from './script.ts';
import { type StepOutcome, StepScripts } from './step-scripts.ts';

export interface RunSetup {
  readonly script: Script;
  /** The run is over at the first `become`. */
  readonly hold: boolean;
  /** What bodies have answered, by place and attempt, for a run that is restarted; undefined for a straight one. */
  readonly answers: ReadonlyMap<string, StepOutcome> | undefined;
}

/** Something that was not as the script says, at one of its lines. */
export interface Fault {
  readonly site: CallSite | undefined;
  readonly why: string;
  /** The line itself is missing in what was seen. */
  readonly missing: boolean;
}

const defaultMember = 'MEMBER';
const requestId = 'flow-kit';
/** However much time a test lets pass, the flow that it is about is not forgotten, and its peers are not given up. */
const retention: Duration = '36500 days';

export class Run {
  /** What the worker was killed at, in order. */
  readonly suspensions: string[] = [];
  /** States of persistent actors that the flow has changed, by kind and key. */
  readonly actors = new Map<string, unknown>();
  readonly #setup: RunSetup;
  readonly #member: Identity;
  readonly #observer: Observer;
  readonly #actors: ActorScripts;
  readonly #steps: StepScripts;
  readonly #crashed = new Set<string>();
  readonly #silent = new Set<string>();
  readonly #opened = new Map<string, Conversation>();
  #visit: number | undefined;
  #left: Line[];
  #node: ScriptedTestNode | undefined;

  constructor(setup: RunSetup) {
    const { script, hold } = setup;
    this.#setup = setup;
    this.#member = identityOf(script.settings.member ?? defaultMember);
    this.#actors = new ActorScripts(script);
    this.#steps = new StepScripts({
      lines: script.steps,
      answers: setup.answers,
      reached: (key) => this.#crashed.has(key),
    });
    this.#left = [...script.lines];
    this.#observer = new Observer({
      script,
      hold,
      body: (seen, name, body) => (info) => this.#steps.run(seen, name, info, body),
      killedAt: () => this.suspensions.at(-1),
      onNew: (seen, op) => this.#seen(seen, op),
    });
  }

  /** What the bodies of steps have answered. */
  get answers(): ReadonlyMap<string, StepOutcome> {
    return this.#steps.answers;
  }

  get history(): History {
    return this.#observer.history;
  }

  get divergence(): Observer['divergence'] {
    return this.#observer.divergence;
  }

  get held(): boolean {
    return this.#observer.held;
  }

  /** Lines of the script that nothing has met. */
  get missing(): ReadonlyArray<{ readonly site: CallSite; readonly text: string }> {
    return [...this.#left.filter(({ type }) => type === 'receives'), ...this.#steps.missing, ...this.#actors.missing];
  }

  /** What the flow itself has logged. */
  get log(): string {
    return this.#node?.log.text(ownFields) ?? '';
  }

  /** Plays the script to its end; the first thing that is not as it says, if anything is. */
  async play(): Promise<Fault | undefined> {
    const { script } = this.#setup;
    const fixed: Random = { ...seededRandom(1), next: () => 0.5 };
    const peers = peersOf(script);
    const flow = this.#observer.definition();
    const actors = this.#actors.definitions(() => this.history.question());
    const settings = {
      members: [{ ...this.#member, flows: [flow], actors }],
      scripted: peers,
      shards: 1,
      ...(script.settings.start === undefined ? {} : { start: script.settings.start }),
      retention,
      idle: retention,
      // The second run restarts it for real at each of them, and tells the difference in both histories.
      replayCheck: false,
      crashAt: (point: string) => point === 'commit.after' && this.#node?.isDown() === false && this.#dies(),
    };
    // Waits between attempts are drawn: however often a run is restarted, they are the same.
    this.#node = await testNodeOn(settings, { random: fixed, onCommit: (_shard, batch) => this.#durable(batch) });
    for (const line of script.lines) {
      if (line.type === 'rejects')
        this.#node.scripts.refuse(line.channel.peer, line.channel.protocol.name, line.reason);
    }
    await this.#start(this.#node);
    while (this.#left.length > 0) {
      const fault = this.#surprise() ?? (await this.#line(this.#node));
      if (fault !== undefined) return fault;
    }
    return this.#surprise() ?? this.#unexpectedSends();
  }

  /** The flow as it stands; what it waits on, if it does. */
  async view(): Promise<{ readonly view: FlowView; readonly waits: string; readonly on: string | undefined }> {
    const node = this.#running().node();
    const { flows } = await node.list({ member: this.#member });
    const [view] = flows;
    if (view === undefined) throw new Error('the flow was never started');
    if (view.status !== 'RUNNING' && view.status !== 'STUCK') return { view, waits: '', on: undefined };
    const { waitingOn } = await node.describe({ flowId: view.flowId });
    if (waitingOn === undefined) return { view, waits: '', on: undefined };
    const { what, label, due } = waitingOn;
    const until = due === undefined ? '' : ` until ${new Date(due).toISOString()} (now ${this.#now()})`;
    return { view, waits: `${what} ${label}`.trimEnd() + until, on: what };
  }

  /** Ends the run; nothing of it is needed any more. */
  end(): void {
    const node = this.#node;
    if (node !== undefined && !node.isDown()) node.crash();
  }

  // --- the script

  async #start(node: ScriptedTestNode): Promise<void> {
    const { begin, stage } = this.#setup.script;
    if (begin?.type === 'opened') {
      const { peer, protocol } = begin.channel;
      const { name, version } = protocol;
      const own = { protocol: name, version, own: peer, peer: this.#member };
      const conversation = node.scripts.open(own);
      this.#opened.set(channelKey(begin.channel), conversation);
      this.history.peers.set(conversation.name.session, peer.name);
      return this.#settle(node);
    }
    const input = stage === undefined ? begin?.value : elsewhere;
    const flow = this.#observer.definition();
    // A worker that dies at once does not answer; the flow is accepted all the same.
    const starting = node.node().start(this.#member, flow, input, { clientRequestId: requestId });
    const started = starting.then(
      () => undefined,
      (error: unknown) => (node.isDown() ? undefined : error),
    );
    const refused = await Promise.race([started, node.crashed()]);
    if (refused !== undefined) throw refused;
    await this.#settle(node);
  }

  async #line(node: ScriptedTestNode): Promise<Fault | undefined> {
    const [line] = this.#left;
    if (line === undefined) return undefined;
    const why = await this.#play(line, node);
    if (why !== undefined) return { site: line.site, why, missing: line.type === 'receives' };
    this.#left = this.#left.slice(1);
    await this.#settle(node);
    return undefined;
  }

  /** Does what a line says; why that cannot be done, or was not so. */
  async #play(line: Line, node: ScriptedTestNode): Promise<string | undefined> {
    if (line.type === 'advance') {
      await this.#advance(node, line.ms);
      return undefined;
    }
    const { channel } = line;
    if (line.type === 'silent' || line.type === 'rejects') return void this.#silent.add(channelKey(channel));
    const conversation = this.#conversation(node, channel);
    if (conversation === undefined) return `${line.text}: the flow has not opened ${nthOf(channel)} with it`;
    switch (line.type) {
      case 'sends':
        conversation.send('data', line.message, line.body);
        return undefined;
      case 'closes':
        conversation.send('close');
        return undefined;
      case 'fails':
        conversation.send('error', line.reason);
        return undefined;
      case 'receives':
        return this.#receives(line, conversation);
    }
  }

  #receives(line: Extract<Line, { type: 'receives' }>, conversation: Conversation): string | undefined {
    const heard = conversation.unread[0];
    const was = `${line.channel.peer.name} was to receive "${line.message}", and received`;
    if (heard === undefined) {
      const ended = conversation.ended === 'open' ? '' : `; the flow's end of the session is ${conversation.ended}`;
      return `${was} nothing${ended}`;
    }
    const body = decodeValue(heard.body);
    if (heard.type !== line.message) return `${was} "${heard.type}" ${brief(body)}`;
    if (line.body !== undefined && !meets(line.body.value, body)) {
      return `${was} another body\n${difference(line.body.value, body)}`;
    }
    const seen = this.#sends(conversation)[conversation.read];
    if (seen !== undefined) seen.verdict = 'expected';
    conversation.next();
    return undefined;
  }

  #conversation(node: ScriptedTestNode, channel: Channel): Conversation | undefined {
    const key = channelKey(channel);
    const known = this.#opened.get(key);
    if (known !== undefined || channel.role === 'initiator') return known;
    const found = node.scripts.openedWith(channel.peer, channel.protocol.name)[channel.nth - 1];
    if (found !== undefined) this.#opened.set(key, found);
    return found;
  }

  /** What the flow has sent in a session, in order. */
  #sends({ name }: Conversation): SeenOp[] {
    return this.history
      .ops()
      .filter(({ op, session, state }) => op === 'send' && session === name.session && state !== 'failed');
  }

  async #advance(node: ScriptedTestNode, ms: number): Promise<void> {
    const end = node.clock.monotonic() + ms;
    for (;;) {
      await this.#settle(node);
      const left = end - node.clock.monotonic();
      if (left <= 0) return;
      await node.clock.advance(toNextTimer(node.clock, left));
    }
  }

  // --- what the flow does

  #seen(seen: SeenOp, op: Op): void {
    if (op.op === 'ask' || op.op === 'tell') this.#actors.sent(seen, op);
  }

  #surprise(): Fault | undefined {
    const { surprise } = this.#actors;
    return surprise === undefined ? undefined : { site: surprise.line?.site, why: surprise.why, missing: false };
  }

  /** Messages to members of the script for which it has no line. */
  #unexpectedSends(): Fault | undefined {
    const named = this.#setup.script.lines.flatMap((line) => ('channel' in line ? [line.channel] : []));
    for (const channel of named) {
      const conversation = this.#conversation(this.#running(), channel);
      if (conversation === undefined || this.#silent.has(channelKey(channel))) continue;
      const seen = this.#sends(conversation).slice(conversation.read);
      for (const one of seen) one.verdict = 'unexpected';
      if (seen[0] !== undefined) return { site: undefined, why: `not expected: ${seen[0].text}`, missing: false };
    }
    return undefined;
  }

  // --- restarts

  #durable({ records }: CommitBatch): void {
    for (const { key, value } of records) {
      if (value === null || !key.startsWith('c/')) continue;
      if (key.startsWith('c/@')) {
        const { actor, key: name, state } = actorHead.decode(value);
        this.actors.set(actorName({ name: actor }, name), decodeValue(state));
      } else this.#visit = flowHead.decode(value).visit;
    }
  }

  /** Where the flow is suspended; each place is one at which the worker dies once. */
  #suspension(): { readonly key: string; readonly text: string } | undefined {
    const { pending, over, held } = this.#observer;
    if (over) return { key: 'end', text: 'the end of the flow' };
    if (held) return { key: 'become', text: 'the beginning of the next stage' };
    if (pending === undefined) return undefined;
    if (pending.op !== 'step') return { key: pending.place, text: pending.text };
    const attempt = this.#steps.attempt(pending.place);
    return { key: `${pending.place}#${attempt}`, text: pending.text };
  }

  /** Whether the worker is to die here and now. */
  #dies(): boolean {
    const suspension = this.#setup.answers === undefined ? undefined : this.#suspension();
    if (suspension === undefined || this.#crashed.has(suspension.key)) return false;
    this.#crashed.add(suspension.key);
    this.suspensions.push(suspension.text);
    return true;
  }

  /** Lets everything run that is ready, bodies of steps and restarts of the worker included. */
  async #settle(node: ScriptedTestNode): Promise<void> {
    for (;;) {
      await node.clock.advance(0);
      if (node.isDown()) await this.#restart(node);
      else if (this.#steps.busy) await this.#steps.settled();
      else if (this.#dies()) node.crash();
      else return;
    }
  }

  async #restart(node: ScriptedTestNode): Promise<void> {
    this.#observer.restarted(this.#visit);
    try {
      await node.restart();
    } catch (error) {
      // It may die again before it is ready: at the next suspension.
      if (!node.isDown() || WeirError.is(error)) throw error;
    }
  }

  #running(): ScriptedTestNode {
    if (this.#node === undefined) throw new Error('the run has not begun');
    return this.#node;
  }

  #now(): string {
    return new Date(this.#running().clock.now()).toISOString();
  }
}

/** What a flow's own line says, without what every line of it says. */
function ownFields({ fields }: CapturedLine): LogFields | undefined {
  if (!('flowId' in fields)) return undefined;
  const { system, actor, uid, flowId, flow, member, clientRequestId, trace, ...own } = fields;
  return own;
}

function peersOf({ lines, begin, settings }: Script): Identity[] {
  const named = lines.flatMap((line) => ('channel' in line ? [line.channel.peer] : []));
  const all = [
    ...named,
    ...(begin?.type === 'opened' ? [begin.channel.peer] : []),
    ...(settings.members ?? []).map(identityOf),
  ];
  return [...new Map(all.map((peer) => [JSON.stringify([peer.name, peer.group]), peer])).values()];
}

function channelKey({ peer, protocol, role, nth }: Channel): string {
  return JSON.stringify([peer.name, peer.group, protocol.name, role, nth]);
}

function nthOf({
  protocol,
  nth,
}: {
  readonly protocol: Protocol<MessageTypes, MessageTypes>;
  readonly nth: number;
}): string {
  return nth === 1 ? `a session of ${protocol.name}` : `session ${nth} of ${protocol.name}`;
}
