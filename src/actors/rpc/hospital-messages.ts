/** What is asked of the hospital: who is in it, and one act on many of them. */
import type { Authority, Identity } from '../../ports/index.ts';
import type { Answer, FlowDescription } from '../flow/protocol.ts';
import type { Ref } from '../kernel/index.ts';
import type { FlowView } from './flow-view.ts';

/** Which STUCK flows. What is left out admits all. */
export interface HospitalFilter {
  readonly member?: Identity | undefined;
  readonly flow?: string | undefined;
  readonly stage?: string | undefined;
  /** Code of the error that put them there. */
  readonly code?: string | undefined;
}

/** A page of the hospital: newest flows first, as in any list of flows. */
export interface HospitalPage {
  readonly cases: readonly HospitalCase[];
  readonly cursor?: string;
}

export interface HospitalCase {
  readonly view: FlowView;
  /** From the shard that has the flow; absent when that does not answer, or the flow has left the hospital. */
  readonly description?: FlowDescription;
}

/** What to do with each of them. */
export type Treatment =
  | { readonly type: 'retry' }
  | { readonly type: 'skip'; readonly result: unknown }
  | { readonly type: 'kill' };

/** What became of an act on many flows. */
export interface Treated {
  /** Flows that it was for. */
  readonly flowIds: readonly string[];
  /** For how many of them it took effect; 0 for a rehearsal. */
  readonly done: number;
  /** Those that it was refused for. */
  readonly refused: ReadonlyArray<{ readonly flowId: string; readonly code: string; readonly message: string }>;
  /** There are more: give it back to go on with them. */
  readonly cursor?: string;
}

export type HospitalRequest =
  | {
      readonly type: 'hospital';
      readonly filter: HospitalFilter;
      /** Flows of one page, 1 to 1 000. Default 100. */
      readonly limit?: number | undefined;
      readonly cursor?: string | undefined;
      readonly authority: Authority;
      readonly replyTo: Ref<Answer<HospitalPage>>;
    }
  | {
      readonly type: 'treat';
      readonly treatment: Treatment;
      readonly filter: HospitalFilter;
      /** These alone, where the filter admits them. Default: whoever is there. */
      readonly flowIds?: readonly string[] | undefined;
      /** Flows of one request, 1 to 1 000. Default 1 000. */
      readonly limit?: number | undefined;
      readonly cursor?: string | undefined;
      /** Only says for whom it would be. */
      readonly dryRun: boolean;
      readonly authority: Authority;
      readonly replyTo: Ref<Answer<Treated>>;
    };
