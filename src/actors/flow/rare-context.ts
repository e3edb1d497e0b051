/**
 * The parts of a flow's context that most stages do not use: branches, conversations, sagas, subflows. A context has them
 * from here, by its prototype, and they are made when a stage first asks for one of them.
 */
import type { BaseContext } from './base-context.ts';
import { type BranchContext, branching } from './branching.ts';
import { type ConversationContext, conversations } from './conversations.ts';
import type { Duties } from './duties.ts';
import { type SagaContext, sagas } from './saga.ts';
import { type SubflowContext, type SubflowRunner, subflows } from './subflow.ts';

type RareContext = BranchContext & ConversationContext & SagaContext & SubflowRunner;

/** Where a context keeps its duties for the parts that are made later. */
export const dutiesOf: unique symbol = Symbol('duties');
const made: unique symbol = Symbol('made');

interface Bearer extends BaseContext, RareContext {
  readonly [dutiesOf]: Duties;
  [made]?: RareContext;
}

function partsOf(context: Bearer): RareContext {
  const before = context[made];
  if (before !== undefined) return before;
  const duties = context[dutiesOf];
  const { step, sleep } = context;
  const branches = branching(duties);
  const whole: SubflowContext = context;
  const parts = {
    ...branches,
    ...conversations({ race: branches.race, sleep, duties }),
    ...sagas(step, duties),
    ...subflows(() => whole, duties),
  };
  context[made] = parts;
  return parts;
}

/** What all contexts have in common. Not by private names: a subflow's context has that of its flow as prototype. */
export class RareParts implements RareContext {
  get all(): RareContext['all'] {
    return partsOf(bearer(this)).all;
  }

  get race(): RareContext['race'] {
    return partsOf(bearer(this)).race;
  }

  get spawn(): RareContext['spawn'] {
    return partsOf(bearer(this)).spawn;
  }

  get sendAll(): RareContext['sendAll'] {
    return partsOf(bearer(this)).sendAll;
  }

  get receiveAny(): RareContext['receiveAny'] {
    return partsOf(bearer(this)).receiveAny;
  }

  get saga(): RareContext['saga'] {
    return partsOf(bearer(this)).saga;
  }

  get subflow(): RareContext['subflow'] {
    return partsOf(bearer(this)).subflow;
  }
}

/** Whoever has this prototype was made by `flowContext`, with everything that the parts need. */
function bearer(context: RareContext): Bearer {
  return context as Bearer;
}
