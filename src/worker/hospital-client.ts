/** What a program that embeds a node asks of the hospital, and does about many STUCK flows at once. */
import type { HospitalFilter, HospitalPage, Treated, Treatment } from '../actors/rpc/index.ts';
import { type Authority, identityOf, type MemberName } from '../ports/index.ts';
import type { ClientRequest } from './client-request.ts';

/** Which STUCK flows; what is left out admits all. */
export interface StuckFlows extends Omit<HospitalFilter, 'member'> {
  readonly member?: MemberName | undefined;
}

export interface StuckQuery extends StuckFlows {
  /** Flows of one page, 1 to 1 000. Default 100. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface StuckTarget extends StuckFlows {
  /** These alone, where the rest admits them; at most 1 000. */
  readonly flowIds?: readonly string[] | undefined;
  /** Flows of one call, 1 to 1 000. Default 1 000. */
  readonly limit?: number | undefined;
  /** What a former call gave: goes on with the rest. */
  readonly cursor?: string | undefined;
  /** Only says for which flows it would be. Default false. */
  readonly dryRun?: boolean | undefined;
}

export function hospitalClient(request: ClientRequest, authority: Authority) {
  const filterOf = ({ member, flow, stage, code }: StuckFlows): HospitalFilter => ({
    ...{ flow, stage, code },
    ...(member === undefined ? {} : { member: identityOf(member) }),
  });
  const treat = (treatment: Treatment, target: StuckTarget, reason: string): Promise<Treated> => {
    const { flowIds, limit, cursor, dryRun = false } = target;
    return request((replyTo) => ({
      type: 'treat',
      ...{ treatment, filter: filterOf(target), flowIds, limit, cursor, dryRun },
      authority: { ...authority, reason },
      replyTo,
    }));
  };
  return {
    /**
     * A page of STUCK flows that may be read, newest first: state, what failed, how often, what has failed before.
     * @throws WeirError `WEIR_REQUEST_INVALID` for a limit or a cursor, `WEIR_HOSPITAL_BUSY`, `WEIR_NODE_STOPPED`
     */
    hospital: ({ limit, cursor, ...filter }: StuckQuery = {}): Promise<HospitalPage> =>
      request((replyTo) => ({ type: 'hospital', filter: filterOf(filter), limit, cursor, authority, replyTo })),
    /**
     * Lets STUCK flows try again what failed. Each flow has its own answer: what could not be done says why.
     * @throws WeirError `WEIR_REQUEST_INVALID`, `WEIR_HOSPITAL_BUSY`, `WEIR_NODE_STOPPED`
     */
    retryAll: (target: StuckTarget, reason: string): Promise<Treated> => treat({ type: 'retry' }, target, reason),
    /** The same, as if what failed had given `result`. @throws WeirError what `retryAll` throws */
    skipAll: (target: StuckTarget, result: unknown, reason: string): Promise<Treated> =>
      treat({ type: 'skip', result }, target, reason),
    /** Ends STUCK flows as KILLED; their peers are told. @throws WeirError what `retryAll` throws */
    killAll: (target: StuckTarget, reason: string): Promise<Treated> => treat({ type: 'kill' }, target, reason),
  };
}
