/**
 * Persistent actors that only say what a script says. What each message is answered with is decided when the flow sends
 * it, in the order of the script, so that a restart in between changes nothing.
 */
import { z } from 'zod';
import { type AnyActor, ApplicationError, type Op } from '../../actors/flow/index.ts';
import { decodeValue } from '../../persistence/index.ts';
import { difference, meets } from '../expectation.ts';
import type { SeenOp } from './history.ts';
import { type ActorLine, actorName, type Script } from './script.ts';

export type ActorOp = Extract<Op, { op: 'ask' | 'tell' }>;

/** A message that the script has not foreseen, and the line that it is against, if there is one. */
export interface Surprise {
  readonly why: string;
  readonly line: ActorLine | undefined;
}

export class ActorScripts {
  readonly #script: Script;
  /** Place of an operation to what answers it. */
  readonly #taken = new Map<string, ActorLine>();
  readonly #left: ActorLine[];
  readonly #scripted: ReadonlySet<string>;
  surprise: Surprise | undefined;

  constructor(script: Script) {
    this.#script = script;
    this.#left = [...script.actors];
    this.#scripted = new Set(script.actors.map(({ definition, key }) => actorName(definition, key)));
  }

  /** Lines that nothing has met. */
  get missing(): readonly ActorLine[] {
    return this.#left;
  }

  /** Takes the line of the script that a message meets; says so in `seen`. */
  sent(seen: SeenOp, op: ActorOp): void {
    const name = `${op.actor}/${op.key}`;
    const line = this.#left.find(({ definition, key }) => actorName(definition, key) === name);
    const why = this.#scripted.has(name) ? whyNot(line, op) : this.#whyUnknown(op.actor);
    if (why !== undefined) {
      seen.verdict = 'unexpected';
      this.surprise ??= { why: `not expected: ${seen.text}${why === '' ? '' : `\n${why}`}`, line };
    } else if (line !== undefined) {
      this.#left.splice(this.#left.indexOf(line), 1);
      this.#taken.set(seen.place, line);
      seen.verdict = 'expected';
    }
  }

  #whyUnknown(actor: string): string | undefined {
    const { settings, given } = this.#script;
    const real = [...(settings.actors ?? []), ...given.map(({ definition }) => definition)];
    return real.some(({ name }) => name === actor) ? undefined : 'the script says nothing of this actor';
  }

  /** All kinds of actors that the flow may meet; `question` is what it waits on. */
  definitions(question: () => SeenOp | undefined): AnyActor[] {
    const { actors, given, settings } = this.#script;
    const kinds = new Map<string, AnyActor>();
    for (const definition of [...(settings.actors ?? []), ...[...given, ...actors].map((line) => line.definition)]) {
      kinds.set(definition.name, definition);
    }
    return [...kinds.values()].map((definition) => this.#standIn(definition, question));
  }

  #standIn(definition: AnyActor, question: () => SeenOp | undefined): AnyActor {
    const { name, on } = definition;
    const given = new Map(
      this.#script.given.flatMap((one) => (one.definition.name === name ? [[one.key, one.state]] : [])),
    );
    const handlers = Object.keys(on).map((type): [string, unknown] => [
      type,
      (state: unknown, body: unknown, scope: { readonly key: string }) => {
        if (!this.#scripted.has(actorName(definition, scope.key))) return runReal(definition, type, state, body, scope);
        return this.#answer(question(), type);
      },
    ]);
    return {
      ...definition,
      // A scripted actor has no state; a real one's is checked below, by its own schema.
      state: z.unknown(),
      initial: (key) => {
        if (this.#scripted.has(actorName(definition, key))) return null;
        return definition.state.parse(given.has(key) ? given.get(key) : definition.initial(key));
      },
      on: Object.fromEntries(handlers),
    };
  }

  /** Answers the question that the flow waits on; a message that was only told gets no answer. */
  #answer(question: SeenOp | undefined, type: string): { reply?: unknown } {
    if (question === undefined) return {};
    const line = this.#taken.get(question.place);
    if (line === undefined) throw new ApplicationError('UNEXPECTED', `the test expected no ${question.text}`);
    if (line.message !== type || line.answer === undefined) return {};
    if (line.answer.type === 'refuses') throw line.answer.error;
    return { reply: line.answer.value };
  }
}

function runReal(
  { on, state: schema }: AnyActor,
  type: string,
  state: unknown,
  body: unknown,
  scope: unknown,
): unknown {
  const handler = on[type];
  if (typeof handler !== 'function') throw new TypeError(`there is no handler for ${type}`);
  const effects: unknown = handler(state, body, scope);
  if (typeof effects !== 'object' || effects === null || !('state' in effects) || effects.state === undefined)
    return effects;
  return { ...effects, state: schema.parse(effects.state) };
}

/** Why a message is not the one that a line expects; undefined when it is. */
function whyNot(line: ActorLine | undefined, op: ActorOp): string | undefined {
  if (line === undefined) return '';
  if (line.op !== op.op || line.message !== op.type) return `expected: ${line.text}`;
  const body = decodeValue(op.body);
  return line.body === undefined || meets(line.body.value, body) ? undefined : difference(line.body.value, body);
}
