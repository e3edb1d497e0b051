import { describe, expect, it } from 'vitest';
import { sessionMessage } from '../../src/actors/session-manager/index.ts';
import { decodeRouted } from '../../src/actors/shard/protocol.ts';
import { flowHead, journalEntry, statusRecord } from '../../src/persistence/index.ts';
import { firstFlowHead, firstSessionMessage } from '../fixtures/older-records.ts';

/** As they lay in a log of the first version. */
const head =
  'wwE4A1FI+y9tGgxjYWxsZXICCkFMSUNFDmRlZmF1bHQCcgJoAnQCAAQKc3RhcnQABAECAgpmLjAuMAAACHRhbGsCBkJPQg5kZWZhdWx0BgQCAAQGd2h5AAAAAAAB';
const message = 'wwG08MffBGW5mgh0YWxrAgJzAAYIAkECZwJCAmcCdAIEBndoeQAAAA==';
const status = 'wwEJNyvlw4BJNgJmAghBQ01FDmRlZmF1bHQCcgJoAnQECnN0YXJ0AgQGd2hvAAAA';
const delivery = 'wwEzGoW0DgnrvAACAAAAAg4CAQA=';

const entry = 'wwF8Tf7SskuDowhzdGVwCGJvb2sAAAAOBA==';

function bytes(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

describe('records of earlier versions', () => {
  it('the schemas of the first version are those that its logs name', () => {
    expect(firstFlowHead.fingerprint).toBe(0x1a6d_2ffb_4851_0338n);
    expect(firstSessionMessage.fingerprint).toBe(0x9ab9_6504_dfc7_f0b4n);
  });

  it('a flow head whose sessions say nothing of silence is read, and what it did not say has its default', () => {
    const { flow, status, sessions } = flowHead.decode(bytes(head));
    expect([flow, status]).toEqual(['caller', 'RUNNING']);
    expect(sessions).toEqual([
      {
        ...{ id: 'f.0.0', name: '', role: 'initiator', protocol: 'talk', version: 1, peerName: 'BOB' },
        ...{
          peerGroup: 'default',
          sent: 3,
          received: 2,
          consumed: 1,
          status: 'open',
          peer: 'failed',
          peerError: 'why',
        },
        ...{ cause: 'failed', refused: false, active: 0, idle: 0, requireClose: false },
      },
    ]);
  });

  it('a flow head and an entry of a journal that remember no failures are read with none', () => {
    expect(flowHead.decode(bytes(head))).toMatchObject({
      faultNext: -1,
      cancel: null,
      progress: [],
      stays: [],
      mark: null,
    });
    expect(journalEntry.decode(bytes(entry))).toEqual({
      ...{ op: 'step', label: 'book', state: 'open', value: new Uint8Array(), fault: null, due: 7, attempts: 2 },
      ...{ until: 0, order: 0, branch: false, failures: [] },
    });
  });

  it('no single field of them is looked at, since it may stand elsewhere', () => {
    expect([flowHead.glance(bytes(head)), journalEntry.glance(bytes(entry))]).toEqual([undefined, undefined]);
  });

  it('a session message that does not say what was acknowledged before it is read', () => {
    const read = sessionMessage.decode(bytes(message));
    expect(read).toMatchObject({ session: 's', kind: 'error', sequence: 4, acknowledged: 0, cause: 'failed' });
  });

  it('a delivery between shards that does not say under which claim it is sent is read without', () => {
    expect(decodeRouted(bytes(delivery))).toMatchObject({
      ...{ type: 'delivery', from: 1, origin: undefined },
      entries: [{ number: 7 }],
    });
  });

  it('a status without the number of its commit is read as one that came before all others', () => {
    const read = statusRecord.decode(bytes(status));
    expect(read).toMatchObject({ flow: 'f', status: 'COMPLETED', startedBy: 'who', acts: [], commit: 0 });
  });
});
