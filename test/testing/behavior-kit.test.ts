/** One behaviour without a system. */
import { describe, expect, it } from 'vitest';
import { type Behavior, behaviorKit, ExpectationError, type Ref } from '../../src/testing/index.ts';

interface Order {
  readonly type: 'order';
  readonly item: string;
  readonly replyTo: Ref<string>;
}
type Desk =
  | Order
  | { readonly type: 'open' }
  | { readonly type: 'close' }
  | { readonly type: 'tick' }
  | { readonly type: 'break' };

/** Takes orders when it is open; each goes to a clerk of its own. */
const desk: Behavior<Desk> = ({
  self,
  log,
  spawn,
  stop,
  watch,
  unwatch,
  stash,
  unstashAll,
  startTimer,
  cancelTimer,
  receiveTimeout,
  finish,
  fail,
}) => {
  let open = false;
  const clerks: Ref<Order>[] = [];
  return {
    message(message) {
      switch (message.type) {
        case 'open':
          open = true;
          startTimer('tick', { type: 'tick' }, 1_000);
          unstashAll();
          return;
        case 'order': {
          if (!open) return void stash(message);
          const clerk = spawn<Order>(`clerk-${clerks.length}`, () => ({ message: () => undefined }));
          clerks.push(clerk);
          watch(clerk);
          clerk.tell(message);
          log.info({ item: message.item }, 'ordered');
          message.replyTo.tell(`${message.item} is on its way`);
          return;
        }
        case 'tick':
          self.tell({ type: 'close' });
          return;
        case 'close':
          cancelTimer('tick');
          receiveTimeout(500, { type: 'tick' });
          for (const clerk of clerks) {
            unwatch(clerk);
            void stop(clerk);
          }
          finish();
          return;
        case 'break':
          fail(new Error('it broke'));
      }
    },
    signal({ ref }) {
      clerks.splice(
        clerks.findIndex(({ path }) => path === ref.path),
        1,
      );
      if (clerks.length === 0) finish();
    },
  };
};

const { given, ref, self, child, log } = behaviorKit(desk);
const customer = ref<string>('customer');
const order = (item: string): Order => ({ type: 'order', item, replyTo: customer });
const clerk = (number: number): Ref<Order> => child<Order>(`clerk-${number}`);

describe('a test of one behaviour', () => {
  it('TK2 sees what is told, spawned and watched, by messages that are handled at once', () => {
    const chair = order('chair');
    given({ type: 'open' })
      .when(chair)
      .then({
        spawned: ['clerk-0'],
        watched: [clerk(0)],
        told: [
          [clerk(0), chair],
          [customer, 'chair is on its way'],
        ],
      });
    expect(log.lines).toMatchObject([{ message: 'ordered', fields: { item: 'chair' } }]);
  });

  it('TK2 does not speak of what was given', () => {
    given({ type: 'open' }, order('chair')).then({});
  });

  it('TK2 stashes, and takes back in order', () => {
    const [chair, table] = [order('chair'), order('table')];
    given()
      .when(chair, table)
      .then({ stashed: [chair, table] })
      .when({ type: 'open' })
      .then({
        timers: [['tick', { type: 'tick' }, 1_000]],
        spawned: ['clerk-0', 'clerk-1'],
        watched: [clerk(0), clerk(1)],
        told: [
          [clerk(0), chair],
          [customer, 'chair is on its way'],
          [clerk(1), table],
          [customer, (text: string) => text.startsWith('table')],
        ],
      });
  });

  it('TK2 rings timers and ends children when the test says so', () => {
    given({ type: 'open' }, order('chair'))
      .whenTimer('tick')
      .then({ told: [[self, { type: 'close' }]] });
    given({ type: 'open' }, order('chair')).whenTerminated(clerk(0)).then({ finished: true });
  });

  it('TK2 sees stops, cancelled timers and the end', () => {
    given({ type: 'open' }, order('chair'))
      .when({ type: 'close' })
      .then({
        cancelled: ['tick'],
        receiveTimeouts: [500],
        unwatched: [clerk(0)],
        stopped: ['/self/clerk-0'],
        finished: true,
      })
      .when(order('table'))
      .then({});
  });

  it('TK2 sees failures, thrown ones too', () => {
    given().when({ type: 'break' }).then({ failed: 'it broke' });
    const broken = behaviorKit<string>(() => ({
      message: (text) => {
        throw new RangeError(text);
      },
    }));
    broken
      .given()
      .when('far')
      .then({ failed: (error) => error instanceof RangeError });
  });

  it('TK2 prints what was expected beside what was done', () => {
    const wrong = () =>
      given({ type: 'open' })
        .when(order('chair'))
        .then({ told: [[customer, 'no']], spawned: ['clerk-0'] });
    expect(wrong).toThrow(ExpectationError);
    expect(wrong).toThrow(/- told: \/customer no\n/);
    expect(wrong).toThrow(/\+ told: \/customer chair is on its way\n/);
    expect(wrong).toThrow(/\+ watched: \/self\/clerk-0\n/);
    expect(wrong).toThrow(/all it did:\n {2}spawn clerk-0\n {2}watch \/self\/clerk-0\n {2}tell \/self\/clerk-0/);
  });

  it('TK2 sends those that await to a kit with a system', () => {
    const waiting = behaviorKit<null>(() => ({ message: async () => undefined }));
    expect(() => waiting.given().when(null)).toThrow('test it with actorKit');
    expect(() => given().whenTimer('none')).toThrow('there is no timer "none" to ring');
  });
});
