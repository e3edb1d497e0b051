import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  type ActorContext,
  type ActorSystem,
  type Behavior,
  type Receive,
  type Ref,
  unreachable,
} from '../../../src/actors/kernel/index.ts';

interface Animal {
  readonly type: 'animal' | 'dog';
}
interface Dog extends Animal {
  readonly type: 'dog';
  readonly bark: string;
}

describe('message types', () => {
  it('AK14 a reference to A is not a reference to B', () => {
    const take = (ref: Ref<{ readonly n: number }>): unknown => ref;
    const give = (ref: Ref<string>): unknown =>
      // @ts-expect-error: an actor of strings does not understand numbers
      take(ref);
    expectTypeOf(give).toBeFunction();
    expectTypeOf<Ref<string>>().not.toExtend<Ref<number>>();
  });

  it('AK14 an actor that takes more may stand where less is sent, never the other way round', () => {
    expectTypeOf<Ref<Animal>>().toExtend<Ref<Dog>>();
    expectTypeOf<Ref<Dog>>().not.toExtend<Ref<Animal>>();
    expectTypeOf<Ref<Dog>>().toExtend<Ref<never>>();
    expectTypeOf<Receive<Animal>>().toExtend<Receive<Dog>>();
    expectTypeOf<Receive<Dog>>().not.toExtend<Receive<Animal>>();
  });

  it('AK14 tell, spawn and ask check what is sent', () => {
    const use = (context: ActorContext<Dog>, animals: Ref<Animal>, behavior: Behavior<string>): void => {
      animals.tell({ type: 'dog' });
      // @ts-expect-error: not a message of this actor
      animals.tell({ type: 'cat' });
      // @ts-expect-error: self takes dogs
      context.self.tell({ type: 'animal' });
      const child = context.spawn('child', behavior);
      expectTypeOf(child).toEqualTypeOf<Ref<string>>();
      // @ts-expect-error: the child takes strings
      child.tell(1);
      // @ts-expect-error: a timer tells messages of this actor
      context.startTimer('t', 'woof', 1);
      const answer = context.ask(animals, (_replyTo: Ref<number>) => ({ type: 'dog' as const }), { withinMs: 1 });
      expectTypeOf(answer).resolves.toEqualTypeOf<number>();
      // @ts-expect-error: the question is not a message of the actor asked
      void context.ask(animals, () => 'woof', { withinMs: 1 });
    };
    expectTypeOf(use).toBeFunction();
  });

  it('AK14 a message kind that a handler forgot does not compile', () => {
    const handle = (message: { type: 'a' } | { type: 'b' }): string => {
      switch (message.type) {
        case 'a':
          return 'a';
        default:
          // @ts-expect-error: `b` is not handled
          return unreachable(message);
      }
    };
    expectTypeOf(handle).returns.toBeString();
  });

  it('AK14 a message that no type allows is told by its kind, without its contents', () => {
    expect(() => unreachable({ type: 'odd', secret: '4111' } as never)).toThrow(
      new TypeError('not a message of this actor: odd'),
    );
  });

  it('AK14 replies are typed', () => {
    interface Question {
      readonly type: 'price';
      readonly replyTo: Ref<{ readonly cents: bigint }>;
    }
    const use = (system: ActorSystem, shop: Ref<Question>): void => {
      const answer = system.ask(shop, (replyTo: Ref<{ readonly cents: bigint }>) => ({ type: 'price', replyTo }), {
        withinMs: 1,
      });
      expectTypeOf(answer).resolves.toEqualTypeOf<{ readonly cents: bigint }>();
      // @ts-expect-error: the shop answers with a price, not with a number
      void system.ask(shop, (replyTo: Ref<number>) => ({ type: 'price', replyTo }), { withinMs: 1 });
    };
    const behavior: Behavior<Question> = () => ({
      message({ replyTo }) {
        replyTo.tell({ cents: 1n });
        // @ts-expect-error: not an answer to this question
        replyTo.tell({ cents: 1 });
      },
    });
    expectTypeOf(use).toBeFunction();
    expectTypeOf(behavior).toBeFunction();
  });
});
