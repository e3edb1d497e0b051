/** Deliberate bugs that the simulation must find, each with the scenarios that should. */
import type { Mutation } from './mutation.ts';

const program = 'src/actors/flow/flow-program.ts';
const requests = 'src/actors/flow/flow-requests.ts';
const table = 'src/actors/flow/flow-table.ts';
const shard = 'src/actors/shard/shard.ts';
const outbox = 'src/actors/shard/outbox.ts';
const lifecycle = 'src/actors/flow/lifecycle.ts';
const crashGuard = 'src/actors/flow/crash-guard.ts';
const engine = 'src/actors/flow/engine.ts';
const runner = 'src/actors/flow/flow-runner.ts';
const sessions = 'src/actors/flow/sessions.ts';
const sessionOrder = 'src/actors/session-manager/session-order.ts';
const performer = 'src/actors/flow/performer.ts';
const claiming = 'src/transport/log/kafka/claiming.ts';
const everywhere = ['small', 'payments', 'swarm'];

export const mutations: readonly Mutation[] = [
  {
    id: 'no-fence',
    sentence: 'A claim on Kafka takes a new epoch and writes no fence with it, nor looks where its first batch lands.',
    file: claiming,
    edits: [
      {
        find: 'const fence = await writer.write([fenceRecord({ ...producer, nonce })]);',
        replace: "const fence = (await wire.offset(topic, shard.partition, 'latest')).offset - 1;",
      },
      { find: 'await reading.to(fence, (batch) => isOwnFence(batch, nonce));', replace: 'await reading.to(fence);' },
      { find: 'writer.expect(Math.max(fence, end) + 1);', replace: '' },
    ],
    scenarios: ['kafka'],
  },
  {
    id: 'fence-after-reading',
    sentence: 'A claim on Kafka reads first and writes its fence then.',
    file: claiming,
    edits: [
      {
        find: 'const fence = await writer.write([fenceRecord({ ...producer, nonce })]);',
        replace: "const before = (await wire.offset(topic, shard.partition, 'latest')).offset - 1;",
      },
      {
        find: 'await reading.to(fence, (batch) => isOwnFence(batch, nonce));',
        replace: 'await reading.to(before); const fence = await writer.write([fenceRecord({ ...producer, nonce })]);',
      },
      { find: 'await reading.to(Math.max(fence, end));', replace: '' },
    ],
    scenarios: ['kafka'],
  },
  {
    id: 'batch-reformed',
    sentence: 'After an unknown outcome the same sequence is used for other records.',
    file: 'src/transport/log/kafka/fenced-writer.ts',
    edits: [
      {
        find: 'this.#sequence = (this.#sequence + records.length) % sequences;',
        replace: 'if (!unknown) this.#sequence = (this.#sequence + records.length) % sequences;',
      },
      { find: 'if (this.#expected !== undefined && baseOffset !== this.#expected) {', replace: 'if (false) {' },
    ],
    scenarios: ['kafka'],
  },
  {
    id: 'no-dead-fence',
    sentence: 'Producer ids that were used up are not shut out.',
    file: claiming,
    edits: [
      {
        find: 'const end = await writeDeadFences({ ...setup, partition: shard.partition }, formerProducers);',
        replace: 'const end = -1;',
      },
    ],
    scenarios: ['kafka'],
  },
  {
    id: 'current-id-not-asked',
    sentence: 'A claim takes every other producer id for an older one, and shuts the newer one out for good.',
    file: claiming,
    edits: [{ find: 'if (formerProducers.length > 0) await nextEpoch(producer, setup);', replace: '' }],
    scenarios: ['kafka'],
  },
  {
    id: 'late-fence-passed-over',
    sentence: 'A claim goes on though a fence that came late, under an older producer id, lies behind its own.',
    file: claiming,
    edits: [{ find: 'if (state.owner?.producerId !== producer.producerId) return undefined;', replace: '' }],
    scenarios: ['kafka'],
  },
  {
    id: 'terms-go-back',
    sentence: 'Every claim begins to count terms anew.',
    file: claiming,
    edits: [{ find: 'counter: (term?.counter ?? 0) + 1 }', replace: 'counter: 1 }' }],
    scenarios: ['kafka'],
  },
  {
    id: 'reply-before-commit',
    sentence: 'A client is told "accepted" before the commit is durable, and before the status is seen.',
    file: requests,
    edits: [
      {
        find: 'this.#answer(replyTo, ok({ flowId: flow.id, created: true }), changes);',
        replace: 'replyTo?.tell(ok({ flowId: flow.id, created: true }));\n    this.#host.add(changes);',
      },
      {
        file: 'src/actors/rpc/rpc.ts',
        find: "const seen = answer.type === 'error' || this.#index.has(answer.value.flowId);",
        replace: 'const seen: boolean = true;',
      },
    ],
    scenarios: ['small', 'storm', 'swarm'],
  },
  {
    id: 'dedupe-forgotten',
    sentence: 'Start dedupe is not restored at a takeover, and knows no flow that runs.',
    file: table,
    edits: [
      {
        find: 'this.#dedupe.finished(key, own, printOf(head.flow, head.inputHash), head.updated);\n      return;',
        replace: 'return;',
      },
      {
        find: 'const flow = this.#lookUp(routingKey);',
        replace: 'const flow = undefined as FlowInstance | undefined;',
      },
    ],
    scenarios: ['storm', 'small', 'swarm'],
  },
  {
    id: 'dedupe-too-short',
    sentence: 'A request id is forgotten as soon as its flow has ended.',
    file: 'src/actors/session-manager/start-dedupe.ts',
    edits: [
      { find: 'oldest.at + windowMs', replace: 'oldest.at' },
      { find: 'if (oldest.at > until ||', replace: 'if (' },
    ],
    scenarios: ['storm', 'swarm'],
  },
  {
    id: 'flow-id-reused',
    sentence: 'A request id that is used again gets the flow id of before, and with it the answers of that flow.',
    file: 'src/actors/flow/ids.ts',
    edits: [{ find: 'return `${routingKey}-${commit.toString(36)}`;', replace: 'return `${routingKey}-0`;' }],
    scenarios: ['storm', 'swarm'],
  },
  {
    id: 'timer-not-rearmed',
    sentence: 'What a restored flow sleeps or waits for has no timer.',
    file: engine,
    edits: [{ find: 'if (due !== undefined) this.life.arm(flow, due);', replace: '' }],
    scenarios: ['timers'],
  },
  {
    id: 'hospital-not-rearmed',
    sentence: 'The deadline of a STUCK flow is not armed after a takeover.',
    file: program,
    edits: [{ find: 'else life.admit(flow);', replace: '' }],
    scenarios: ['operators'],
  },
  {
    id: 'outbox-acknowledged-early',
    sentence: 'A message between shards is acknowledged before the commit that takes it.',
    file: shard,
    edits: [
      {
        find: 'this.#received.take(sender, number);',
        replace:
          'this.#received.take(sender, number); this.#durableTaken.set(sender, number); this.#acknowledge(sender, false);',
      },
    ],
    scenarios: ['fan-out', 'payments', 'swarm'],
  },
  {
    id: 'position-apart',
    sentence: 'The number taken from a sender is written by another commit than what the message did.',
    file: shard,
    edits: [
      {
        find: 'changes.put(`w/${sender}`, encodeCount(number));',
        replace:
          'this.#timers.at(this.#setup.clock.now() + 2, () => { const mark = new ChangeSet(); mark.put(`w/${sender}`, encodeCount(number)); this.#add(mark); });',
      },
    ],
    scenarios: ['fan-out', 'payments', 'swarm'],
  },
  {
    id: 'commit-in-two',
    sentence: 'A commit is written in two batches.',
    file: 'src/actors/shard/commit-loop.ts',
    edits: [
      {
        find: 'this.#claim.commit(first.seal()).then(',
        replace:
          'const claim = this.#claim; const { records, publications } = first.seal(); const half = records.length >> 1;\n    claim.commit({ records: records.slice(0, half), publications: [] }).then(() => claim.commit({ records: records.slice(half), publications })).then(',
      },
    ],
    scenarios: ['small'],
  },
  {
    id: 'outbox-leaves-early',
    sentence: 'A message between shards leaves before the commit that caused it.',
    file: outbox,
    edits: [
      {
        find: 'marks.set(partition, stream.last);',
        replace: 'marks.set(partition, stream.last); stream.durable = stream.last; this.#hand(stream);',
      },
    ],
    scenarios: ['fan-out', 'payments', 'swarm'],
  },
  {
    id: 'outbox-gap-accepted',
    sentence: 'A message between shards is taken though one before it is missing.',
    file: outbox,
    edits: [{ find: "number === last + 1 ? 'take' : 'gap'", replace: "'take'" }],
    scenarios: ['fan-out', 'payments', 'swarm'],
  },
  {
    id: 'outbox-repeat-taken',
    sentence: 'A repeated message between shards takes effect again.',
    file: outbox,
    edits: [{ find: "number <= last ? 'repeat' :", replace: "number < last ? 'repeat' : number === last ? 'take' :" }],
    scenarios: ['fan-out', 'payments', 'swarm'],
  },
  {
    id: 'outbox-not-resent',
    sentence: 'What was not acknowledged is never delivered again.',
    file: shard,
    edits: [{ find: 'if (this.#outbox.progress === oldest) this.#outbox.resendAll();', replace: 'void oldest;' }],
    scenarios: ['fan-out'],
  },
  {
    id: 'repeat-not-acknowledged',
    sentence: 'A repeated message between shards is dropped without an acknowledgement.',
    file: shard,
    edits: [{ find: 'if (repeats + gaps > 0)', replace: 'if (gaps > 0)' }],
    scenarios: ['fan-out', 'kafka'],
  },
  {
    id: 'late-step-result',
    sentence: 'The result of a step that belongs to a former incarnation of its flow is taken.',
    file: 'src/actors/flow/step-runner.ts',
    edits: [{ find: 'if (flow.steps.get(index) !== run) this.lateResults++;\n      else this', replace: 'this' }],
    scenarios: ['operators'],
  },
  {
    id: 'step-before-commit',
    sentence: 'The body of a step starts before the step that comes first is durable.',
    file: performer,
    edits: [
      {
        find: 'changes.after(() => this.#steps.start(flow, index, op, run));',
        replace: 'queueMicrotask(() => this.#steps.start(flow, index, op, run));',
      },
    ],
    scenarios: everywhere,
  },
  {
    id: 'journal-kept-at-become',
    sentence: 'The journal of a visit is not dropped at its end.',
    file: runner,
    edits: [{ find: 'dropJournal(flow, changes);\n    head.stage = stage;', replace: 'head.stage = stage;' }],
    scenarios: everywhere,
  },
  {
    id: 'visit-not-raised',
    sentence: 'A new stage goes on with the visit of the one before.',
    file: runner,
    edits: [{ find: 'head.visit++;', replace: '' }],
    scenarios: everywhere,
  },
  {
    id: 'crash-guard-never-marks',
    sentence: 'After an unclean end code of flows runs without a mark.',
    file: crashGuard,
    edits: [{ find: 'head.mark = { deaths, lonely, stand, life: worker.life };', replace: '' }],
    scenarios: ['sabotage'],
  },
  {
    id: 'lone-run-in-company',
    sentence: 'Flows go on while one of them is said to run alone.',
    file: crashGuard,
    edits: [
      {
        find: 'return this.#setup.worker.closed && !(this.#lone.has(flow) && this.#running.has(flow));',
        replace: 'return this.#setup.worker.closed && flow.id === "";',
      },
    ],
    scenarios: ['sabotage'],
  },
  {
    id: 'silent-owner-unseen',
    sentence: 'An owner that died before its first commit is taken for none.',
    file: shard,
    edits: [{ find: "return silent ? 'silent' : 'released';", replace: "return 'released';" }],
    scenarios: ['sabotage'],
  },
  {
    id: 'unread-lost',
    sentence: 'Messages that were received and not yet read are lost at a restore.',
    file: program,
    edits: [
      {
        find: 'this.#table.find(id)?.unread.push({ ...message, place: Number(visit), stored: true });',
        replace: 'void message;',
      },
    ],
    scenarios: ['timers', ...everywhere],
  },
  {
    id: 'session-leaves-early',
    sentence: 'A session message leaves before the commit that caused it.',
    file: sessions,
    edits: [
      {
        find: 'changes.after(() => this.#outbox.release(message));',
        replace: 'this.#outbox.release(message);',
      },
    ],
    scenarios: ['payments', 'small', 'swarm'],
  },
  {
    id: 'session-acknowledged-early',
    sentence: 'A session message is acknowledged before the commit that takes it.',
    file: sessions,
    edits: [
      {
        find: "changes.after(() => this.#answer(message, { kind: 'ack', received, consumed }));",
        replace: "this.#answer(message, { kind: 'ack', received, consumed });",
      },
    ],
    scenarios: ['payments', 'small', 'swarm'],
  },
  {
    id: 'session-not-resent',
    sentence: 'A session message that got lost is not sent again.',
    file: 'src/actors/session-manager/session-outbox.ts',
    edits: [{ find: 'else this.#transmit(message, bytes);', replace: 'else void bytes;' }],
    scenarios: ['payments', 'small', 'swarm'],
  },
  {
    id: 'session-gap-accepted',
    sentence: 'A session message is delivered though one before it is missing.',
    file: sessionOrder,
    edits: [{ find: 'if (message.sequence > received + 1) {', replace: 'if (false) {' }],
    scenarios: ['payments', 'fan-out', 'swarm'],
  },
  {
    id: 'session-repeat-delivered',
    sentence: 'A repeated session message is delivered again.',
    file: sessionOrder,
    edits: [{ find: 'if (message.sequence <= received) return [];', replace: '' }],
    scenarios: ['payments', 'small', 'swarm'],
  },
  {
    id: 'error-answered',
    sentence: 'An error for a session that nobody knows is answered with an error.',
    file: 'src/actors/flow/session-refusals.ts',
    edits: [{ find: "if (message.kind === 'error') this", replace: 'if (false) this' }],
    scenarios: ['sessions'],
  },
  {
    id: 'silence-endless',
    sentence: 'A silent session never times out.',
    file: 'src/actors/flow/session-expiry.ts',
    edits: [
      { find: "return session.peer === 'open' && isHeard(session);", replace: 'return false && isHeard(session);' },
    ],
    scenarios: ['sessions'],
  },
  {
    id: 'close-not-awaited',
    sentence: 'A flow whose protocol requires its close ends without waiting for it.',
    file: lifecycle,
    edits: [{ find: 'if (open.length === 0 || head.cancel !== null) {', replace: 'if (open.length >= 0) {' }],
    scenarios: ['sessions'],
  },
  {
    id: 'told-over-early',
    sentence: 'A sender is told that a flow is over before the end of the flow is durable.',
    file: sessions,
    edits: [
      {
        find: "changes.after(() => this.#answer(message, { kind: 'ack', received: taken, consumed: taken, ended }));",
        replace: "this.#answer(message, { kind: 'ack', received: taken, consumed: taken, ended });",
      },
    ],
    scenarios: ['sessions'],
  },
  {
    id: 'overtaken-refused',
    sentence: 'A message that overtook the first of its session is refused, as if the session were forgotten.',
    file: 'src/actors/flow/session-inputs.ts',
    edits: [
      { find: "message.acknowledged > 0 ? 'forgotten' : 'new'", replace: "message.sequence > 1 ? 'forgotten' : 'new'" },
    ],
    scenarios: ['sessions', 'payments'],
  },
  {
    id: 'forged-sender',
    sentence: 'Whom a session message comes from is not compared with whom the network vouches for.',
    file: 'src/actors/flow/peer-receiver.ts',
    edits: [{ find: 'sameIdentity(source, sourceOf(message)) && ', replace: '' }],
    scenarios: ['payments'],
  },
  {
    id: 'kill-not-told',
    sentence: 'The peers of a flow that is killed are not told.',
    file: lifecycle,
    edits: [
      {
        find: 'this.#setup.sessions.endAll(flow, farewell, reason, changes);',
        replace: "if (status !== 'KILLED') this.#setup.sessions.endAll(flow, farewell, reason, changes);",
      },
    ],
    scenarios: ['operators'],
  },
  {
    id: 'retry-counter-forgotten',
    sentence: 'A request that is made again after a retry has the id of the one before.',
    file: engine,
    edits: [{ find: 'head.retries++;', replace: '' }],
    scenarios: ['operators'],
  },
  {
    id: 'act-not-audited',
    sentence: 'An operator kills a flow, and nobody writes down who.',
    file: 'src/actors/flow/acts.ts',
    edits: [
      {
        find: "this.#enter(flow, { at, act, authority, code: '', ...details }, changes);",
        replace: "if (act !== 'kill') this.#enter(flow, { at, act, authority, code: '', ...details }, changes);",
      },
    ],
    scenarios: ['operators', 'swarm'],
  },
  {
    id: 'audited-apart',
    sentence: 'An act is audited by another commit than it takes effect in.',
    file: 'src/actors/flow/audit-trail.ts',
    edits: [
      {
        find: 'changes.onJoin((joining) => this.#append(facts, joining));',
        replace:
          'changes.after(() => { const apart = new ChangeSet(); apart.onJoin((joining) => this.#append(facts, joining)); this.#host.add(apart); });',
      },
    ],
    scenarios: ['small', 'operators'],
  },
  {
    id: 'audit-begins-anew',
    sentence: 'After a takeover the chain of the audit begins with entry 1 again.',
    file: 'src/actors/flow/audit-trail.ts',
    edits: [{ find: "if (name === 'head') this.#head = point;", replace: "if (name === 'head') void point;" }],
    scenarios: ['small', 'operators', 'swarm'],
  },
  {
    id: 'audit-leaves-too-soon',
    sentence: 'With its oldest entries all others leave the audit, too.',
    file: 'src/actors/flow/audit-trail.ts',
    edits: [{ find: 'number <= mark.number; number++', replace: 'number <= this.#head.number; number++' }],
    scenarios: ['storm', 'swarm'],
  },
  {
    id: 'publications-reordered',
    sentence: 'Statuses of one commit are published in another order.',
    file: 'src/actors/shard/batch.ts',
    edits: [{ find: 'this.publications.push(publication)', replace: 'this.publications.unshift(publication)' }],
    scenarios: everywhere,
  },
  {
    id: 'release-without-drain',
    sentence: 'A shard that moves is given up while commits are on their way.',
    file: shard,
    edits: [
      { find: 'await this.#commits.settle();\n      if (this.#over) return;\n', replace: '' },
      { find: 'await this.#commits.release();', replace: 'void this.#commits.release();' },
    ],
    scenarios: ['upgrade'],
  },
  {
    id: 'terminal-not-final',
    sentence: 'A killed flow whose step comes back completes all the same.',
    file: lifecycle,
    edits: [
      { find: 'flow.run = undefined;\n    flow.steps.clear();', replace: '' },
      { file: engine, find: "if (flow.head.status !== 'RUNNING') return;", replace: '' },
    ],
    scenarios: ['operators'],
  },
  {
    id: 'feed-skips-a-commit',
    sentence: 'Who resumes a feed is taken to have seen two commits more than they were told.',
    file: 'src/actors/rpc/feed-place.ts',
    edits: [
      {
        find: 'return flow.commit < told && flow.record.updated < since.at - skewMs;',
        replace: 'return flow.commit < told + 2;',
      },
    ],
    scenarios: ['feeds'],
  },
  {
    id: 'region-hears-by-mailbox',
    sentence: 'What the group and the shards say to a region is lost when its mailbox is full.',
    file: 'src/actors/shard/region.ts',
    edits: [
      {
        find: "if (this.#notes.length > 1 || this.#context.self.tell({ type: 'look' }) === 'accepted') return;",
        replace: "if (this.#context.self.tell({ type: 'look' }) !== 'accepted') this.#notes.pop(); return;",
      },
    ],
    scenarios: ['services'],
  },
  {
    id: 'errors-kept',
    sentence: 'A worker tells of its errors only when more of them come.',
    file: 'src/worker/errors/errors-service.ts',
    edits: [
      { find: 'reported();', replace: '' },
      { find: "context.startTimer('due', { type: 'due' }, delayMs);", replace: '' },
    ],
    scenarios: ['services'],
  },
  {
    id: 'outbox-restored-late',
    sentence: 'Flows that run on at a takeover send before the numbers of what they sent earlier are known.',
    file: shard,
    edits: [
      {
        find: 'this.#outbox.restored();\n      this.#program.restored(before);',
        replace: 'this.#program.restored(before);\n      this.#outbox.restored();',
      },
    ],
    scenarios: ['branches'],
  },
  {
    id: 'signals-forgotten-on-takeover',
    sentence: 'What signals a flow was given is not restored: one that is said again is heard again.',
    file: program,
    edits: [{ find: 'this.#table.find(id)?.knows(visit, decoder.decode(value));', replace: '' }],
    scenarios: ['branches'],
  },
  {
    id: 'signal-not-kept',
    sentence: 'That a flow was given a signal is not kept with what it changed.',
    file: 'src/actors/flow/signal-desk.ts',
    edits: [{ find: 'changes.put(signalKey(flow.id, id), encoder.encode(print));', replace: 'flow.journal.length;' }],
    scenarios: ['branches'],
  },
  {
    id: 'loser-not-withdrawn',
    sentence: 'A branch that has lost goes on waiting: it takes a message that nobody reads.',
    file: 'src/actors/flow/stage-run.ts',
    edits: [{ find: 'this.#unpark(parked);\n    this.#withdrawn', replace: 'this.#withdrawn' }],
    scenarios: ['branches'],
  },
  {
    id: 'branch-order-forgotten',
    sentence: 'A replay follows the order in which branches asked, and not that in which they went on.',
    file: 'src/actors/flow/entries.ts',
    edits: [{ find: 'return entry.order === 0 ? index : entry.order;', replace: 'return index;' }],
    scenarios: ['branches'],
  },
];
