/** Deliberate bugs of flows: journals, branches, timers, acts and the audit. */
import { everywhere } from '../everywhere.ts';
import type { Mutation } from '../mutation.ts';

const program = 'src/actors/flow/flow-program.ts';
const requests = 'src/actors/flow/flow-requests.ts';
const table = 'src/actors/flow/flow-table.ts';
const found = 'src/actors/flow/found-flows.ts';
const lifecycle = 'src/actors/flow/lifecycle.ts';
const crashGuard = 'src/actors/flow/crash-guard.ts';
const engine = 'src/actors/flow/engine.ts';
const runner = 'src/actors/flow/flow-runner.ts';
const performer = 'src/actors/flow/performer.ts';

export const bugsOfFlows: readonly Mutation[] = [
  {
    id: 'reply-before-commit',
    sentence: 'A client is told "accepted" before the commit is durable, and before the status is seen.',
    file: requests,
    edits: [
      {
        find: 'this.#answer(replyTo, ok({ flowId: flow.id, created: true }), changes, true);',
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
        find: 'this.#dedupe.finished(made.key, made.id, made.print, made.at);',
        replace: '',
      },
      {
        find: 'const flow = this.#lookUp(routingKey);',
        replace: 'const flow = undefined as FlowInstance | undefined;',
      },
    ],
    scenarios: ['storm', 'small', 'swarm'],
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
    id: 'unread-lost',
    sentence: 'Messages that were received and not yet read are lost at a restore.',
    file: found,
    edits: [{ find: "i: 'unread', ", replace: '' }],
    scenarios: ['timers', ...everywhere],
  },
  {
    id: 'close-not-awaited',
    sentence: 'A flow whose protocol requires its close ends without waiting for it.',
    file: lifecycle,
    edits: [{ find: 'if (open.length === 0 || head.cancel !== null) {', replace: 'if (open.length >= 0) {' }],
    scenarios: ['sessions'],
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
    id: 'signals-forgotten-on-takeover',
    sentence: 'What signals a flow was given is not restored: one that is said again is heard again.',
    file: found,
    edits: [{ find: ", g: 'signals'", replace: '' }],
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
