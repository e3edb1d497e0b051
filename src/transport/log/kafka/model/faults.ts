/** What a test or a simulation may do to single requests, and what it may watch. */
import type { ProducerIdentity } from '../wire.ts';

export type Api =
  | 'init-producer-id'
  | 'produce'
  | 'fetch'
  | 'offset'
  | 'delete-records'
  | 'topics'
  | 'create-topics'
  | 'topic-config'
  | 'broker-config'
  | 'join-group'
  | 'sync-group'
  | 'heartbeat'
  | 'leave-group';

export interface RequestInfo {
  readonly client: string;
  readonly api: Api;
  /** The transactional id, topic or group that it is about. */
  readonly about?: string;
  readonly partition?: number;
  readonly producer?: ProducerIdentity & { readonly sequence: number };
}

/**
 * - `lost`: it never arrives, and the client hears a failure;
 * - `lost-answer`: it takes effect, and the client hears a failure;
 * - `twice`: it arrives twice; the client hears the first answer;
 * - `crash-before`, `crash-after`: the client dies before or after it takes effect, and hears nothing;
 * - `{ delayMs }`: it arrives that much later, which may be after the client has heard a failure;
 * - `{ refuse }`: the broker answers with this error and does nothing;
 * - `{ refuseAfter }`: it takes effect, but the broker answers with this error (7, 20).
 */
export type RequestFate =
  | 'ok'
  | 'lost'
  | 'lost-answer'
  | 'twice'
  | 'crash-before'
  | 'crash-after'
  | { readonly delayMs: number }
  | { readonly refuse: number }
  | { readonly refuseAfter: number };

export interface RequestFaults {
  /** Asked once for each request, when it is sent. */
  request?(info: RequestInfo): RequestFate;
}

/** What the broker did, for traces. */
export type ModelEvent =
  | {
      readonly type: 'produced';
      readonly client: string;
      readonly topic: string;
      readonly partition: number;
      readonly producer: (ProducerIdentity & { readonly sequence: number }) | undefined;
      readonly baseOffset: number;
      readonly records: number;
      /** The batch was there already. */
      readonly repeat: boolean;
    }
  | { readonly type: 'refused'; readonly client: string; readonly info: RequestInfo; readonly error: number }
  | ({ readonly type: 'producer'; readonly client: string; readonly transactionalId: string } & ProducerIdentity)
  | { readonly type: 'generation'; readonly group: string; readonly generation: number; readonly members: number }
  /** An operation on the broker or a client, by name: `leader-changed`, `compacted`, `crashed` ... */
  | {
      readonly type: 'operation';
      readonly name: string;
      readonly about: string;
      readonly partition: number | undefined;
    };
