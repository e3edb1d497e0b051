import { describe, expect, it } from 'vitest';
import { type ActorMessage, actorMessage } from '../../../src/actors/flow/actor-message.ts';
import { flowRelocation } from '../../../src/actors/flow/index.ts';
import { keptAnswer } from '../../../src/actors/flow/log-answers.ts';
import {
  actorAddress,
  clientRoutingKey,
  encodeAsk,
  type RemoteRequest,
  responderRoutingKey,
} from '../../../src/actors/flow/protocol.ts';
import { encodeStart } from '../../../src/actors/flow/start-record.ts';
import { type SessionMessage, sessionMessage } from '../../../src/actors/session-manager/index.ts';
import { partitionOf, ShardRelocation } from '../../../src/actors/shard/index.ts';
import { encodeRouted } from '../../../src/actors/shard/protocol.ts';
import { shardRecord } from '../../../src/persistence/index.ts';
import type { LogRecord } from '../../../src/transport/log/index.ts';
import { codeOf } from '../../transport/log/kafka/world.ts';

const partitions = 5;
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const record = (key: string, value: Uint8Array = bytes('x')): LogRecord => ({ key, value });
const flowId = `${'0123456789abcdef01234567'}-1z`;
const home = partitionOf(flowId.slice(0, 24), partitions);
const buyer = { name: 'BUYER', group: 'default' };
const seller = { name: 'SELLER', group: 'default' };

function relocation(): ShardRelocation {
  return new ShardRelocation(partitions, flowRelocation(partitions));
}

const ask = (parts: Partial<ActorMessage>): Uint8Array =>
  actorMessage.encode({
    ...{ kind: 'ask', request: 'r', flow: flowId, memberName: 'BUYER', memberGroup: 'default' },
    ...{ actor: 'account', key: 'cash', type: 'credit', body: bytes(''), fault: null, ...parts },
  });

const message = (parts: Partial<SessionMessage>): Uint8Array =>
  sessionMessage.encode({
    ...{ protocol: 'p', version: 1, session: `${flowId}.0.1`, direction: 'toResponder', kind: 'data', sequence: 1 },
    ...{ sourceName: 'BUYER', sourceGroup: 'default', destinationName: 'SELLER', destinationGroup: 'default' },
    ...{ trace: '', created: 0, expires: 1, type: 't', body: bytes(''), received: 0, consumed: 0, acknowledged: 0 },
    cause: 'failed',
    ended: false,
    ...parts,
  });

describe('state in another number of partitions', () => {
  it('WK20 a flow, its journal, its unread messages, its signals and its status go where its routing key says', () => {
    const at = relocation();
    const keys = [`c/${flowId}`, `j/${flowId}/0/3`, `i/${flowId}/2`, `g/${flowId}/s`];
    expect(keys.map((key) => at.move(0, record(key), []))).toEqual(
      keys.map((key) => ({ partition: home, record: record(key) })),
    );
    expect(at.table('flow.status', record(flowId)).partition).toBe(home);
    const address = actorAddress(buyer, 'account', 'cash');
    expect(at.move(0, record(`c/${address}`), [])?.partition).toBe(partitionOf(address, partitions));
  });

  it('WK20 messages of a session stay with the flow that sent them, whichever end it has', () => {
    const at = relocation();
    const out = message({});
    expect(at.move(0, record(`o/${flowId}.0.1:r/1`, out), [])?.partition).toBe(home);
    const back = message({
      ...{ direction: 'toInitiator', sourceName: 'SELLER', destinationName: 'BUYER' },
    });
    const responder = partitionOf(responderRoutingKey(seller, buyer, `${flowId}.0.1`), partitions);
    expect(at.move(0, record('o/x:i:a:b/1', back), [])?.partition).toBe(responder);
    const event = (value: Uint8Array) =>
      record('service', encodeRouted({ type: 'service', kind: 'session', bytes: value }));
    expect(at.event(0, event(out))?.partition).toBe(responder);
    expect(at.event(0, event(back))?.partition).toBe(home);
  });

  it('WK20 a start that waits in the log goes to the shard that its flow will have', () => {
    const start = encodeStart({
      ...{ member: buyer, flow: 'buy', clientRequestId: 'r-1', version: 1, input: bytes(''), trace: '', expires: 1 },
      authority: { principal: { name: 'p', kind: 'client' }, reason: '' },
    });
    const event = record('service', encodeRouted({ type: 'service', kind: 'start', bytes: start }));
    const wanted = partitionOf(clientRoutingKey(buyer, 'r-1'), partitions);
    expect(relocation().event(2, event)).toEqual({ partition: wanted, record: event });
  });

  it('WK20 a request of another worker, and what was answered to it, go to the shard of what it is about', () => {
    const address = actorAddress(buyer, 'account', 'cash');
    const about = { actor: partitionOf(address, partitions), flow: home };
    const replyTo = { path: '/nobody', uid: 0, tell: () => 'dead' as const };
    const at = { id: 'x.1', answers: 3, expires: 1 };
    const event = (request: RemoteRequest) =>
      record('service', encodeRouted({ type: 'service', kind: 'ask', bytes: encodeAsk(at, request) }));
    const question = event({ type: 'describe', flowId, replyTo });
    const asked = { actor: 'account', key: 'cash', message: 'read', body: bytes('') };
    const message = event({ type: 'ask', member: buyer, ...asked, replyTo });
    expect(relocation().event(2, question)).toEqual({ partition: about.flow, record: question });
    expect(relocation().event(2, message)).toEqual({ partition: about.actor, record: message });
    const kept = record('q/x.1', keptAnswer.encode({ place: address, expires: 1, answer: bytes('') }));
    expect(relocation().move(2, kept, [])).toEqual({ partition: about.actor, record: kept });
  });

  it('WK20 WK18 of a stream only what was not taken is left, in its order and numbered from 1', () => {
    const at = relocation();
    // Shard 3 has taken two of shard 0; of shard 1 it has taken none.
    at.survey(3, record('w/0', bytes('2')));
    at.survey(3, record('w/log', bytes('40')));
    const streams: LogRecord[] = [];
    for (const number of [9, 10, 2, 11, 3]) at.move(0, record(`o/3/${number}`, ask({ request: `${number}` })), streams);
    const answers: LogRecord[] = [];
    at.move(1, record('o/3/1', ask({ request: 'other' })), answers);
    const asked = partitionOf(actorAddress(buyer, 'account', 'cash'), partitions);
    const told = [...at.entries(0, streams), ...at.entries(1, answers)].map(({ partition, record: { key, value } }) => [
      ...[partition, key, actorMessage.decode(value ?? bytes('')).request],
    ]);
    expect(told).toEqual([
      [home, `o/${asked}/1`, '3'],
      [home, `o/${asked}/2`, '9'],
      [home, `o/${asked}/3`, '10'],
      [home, `o/${asked}/4`, '11'],
      [home, `o/${asked}/5`, 'other'],
    ]);
    const [answer] = at.entries(2, [record('o/0/1', ask({ kind: 'answer' }))]);
    expect(answer).toMatchObject({ partition: asked, record: { key: `o/${home}/1` } });
    expect(at.position(3)).toBe(40);
    expect(at.position(0)).toBe(0);
    expect(at.move(3, record('w/0', bytes('2')), [])).toBeUndefined();
  });

  it('WK20 WK18 deliveries and acknowledgements in the log are left behind: their numbers mean nothing any more', () => {
    const at = relocation();
    const entries = [{ number: 3, bytes: ask({}) }];
    expect(at.event(0, record('k', encodeRouted({ type: 'delivery', from: 1, entries })))).toBeUndefined();
    expect(at.event(0, record('k', encodeRouted({ type: 'ack', from: 1, number: 3, resend: false })))).toBeUndefined();
  });

  it('WK20 commits are numbered on above those of every shard, so that no id is given twice', () => {
    const at = relocation();
    for (const [shard, commit] of [4, 90, 17].entries()) {
      at.survey(shard, record('shard', shardRecord.encode({ partitions: 3, commit, released: shard !== 2, claim: 0 })));
    }
    const ends = [...at.ends()];
    expect(ends.map(({ partition }) => partition)).toEqual([0, 1, 2, 3, 4]);
    for (const { record: end } of ends) {
      expect(shardRecord.decode(end.value ?? bytes(''))).toEqual({ partitions, commit: 90, released: false, claim: 0 });
    }
  });

  it('WK20 what nobody could read is kept, named by the shard that it was in', () => {
    const at = relocation();
    expect(at.move(7, record('d/12'), [])).toEqual({ partition: 2, record: record('d/7/12') });
    const poison = record('k', bytes('not a message'));
    expect(at.event(7, poison)).toEqual({ partition: 2, record: poison });
  });

  it('WK20 the audit chain of a shard that is no more rests, and goes on when there are enough again', () => {
    expect(relocation().move(3, record('a/head'), [])).toEqual({ partition: 3, record: record('a/head') });
    const rested = relocation().move(7, record('a/head'), []);
    expect(rested).toEqual({ partition: 2, record: record('r/7/a/head') });
    expect(relocation().move(2, record('r/7/a/head'), [])).toEqual({ partition: 2, record: record('r/7/a/head') });
    const wider = new ShardRelocation(8, flowRelocation(8));
    expect(wider.move(2, record('r/7/a/head'), [])).toEqual({ partition: 7, record: record('a/head') });
    expect(wider.table('flow.audit', record('0007/0000000000000001')).partition).toBe(7);
    expect(relocation().table('flow.audit', record('0007/anchor')).partition).toBe(2);
  });

  it('WK20 a record that this version does not know is not guessed at', async () => {
    const at = relocation();
    const refused = async (act: () => unknown): Promise<string> => codeOf((async () => act())());
    expect(await refused(() => at.move(0, record('q/1'), []))).toBe('WEIR_RECORD_UNREADABLE');
    expect(await refused(() => at.table('flow.other', record('x')))).toBe('WEIR_RECORD_UNREADABLE');
  });
});
