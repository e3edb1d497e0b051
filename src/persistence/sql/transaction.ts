/**
 * One open transaction as its work sees it: statements one after the other, and none after a failure. Owns neither the
 * connection nor how the transaction ends.
 */
import { ensureError, WeirError } from '../../errors/index.ts';
import { type Clock, toMs } from '../../ports/index.ts';
import type { Connection } from './connection.ts';
import type { RowParser, SqlParameter, SqlResult, SqlRow, SqlTransaction, StatementOptions } from './port.ts';
import { resultOf, runOn, type StatementInput, type Stopping } from './statement.ts';
import { Stop } from './stop.ts';

export class TransactionScope implements SqlTransaction {
  readonly #connection: Connection;
  readonly #stop: Stop;
  readonly #clock: Clock;
  /** Settles when the last statement that was asked for has settled; never rejects. */
  #last: Promise<void> = Promise.resolve();
  #failure: Error | undefined;
  #ended = false;

  constructor(connection: Connection, stop: Stop, clock: Clock) {
    this.#connection = connection;
    this.#stop = stop;
    this.#clock = clock;
  }

  query(text: string, parameters?: readonly SqlParameter[], options?: StatementOptions): Promise<SqlResult<SqlRow>>;
  query<Row>(
    text: string,
    parameters: readonly SqlParameter[],
    options: StatementOptions & { readonly row: RowParser<Row> },
  ): Promise<SqlResult<Row>>;
  query(
    text: string,
    parameters: readonly SqlParameter[] = [],
    options: StatementInput['options'] = {},
  ): Promise<SqlResult<unknown>> {
    const answer = this.#last.then(() => this.#run({ text, parameters, options }));
    this.#last = answer.then(
      () => undefined,
      (error) => {
        this.#failure ??= ensureError(error);
      },
    );
    return answer;
  }

  /**
   * Waits for statements that nobody awaited, and lets no more through.
   * @throws the first failure, also when the work took no notice of it
   */
  async end(): Promise<void> {
    await this.#last;
    this.#ended = true;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Lets no more statements through and waits for the one that runs. */
  async abandon(): Promise<void> {
    this.#ended = true;
    await this.#last;
  }

  async #run(input: StatementInput): Promise<SqlResult<unknown>> {
    if (this.#stop.signal.aborted) throw this.#stop.failure('none');
    if (this.#ended) throw new WeirError('WEIR_SQL_STATEMENT', { why: 'its transaction has ended', outcome: 'none' });
    if (this.#failure !== undefined) {
      const why = 'an earlier statement of its transaction failed';
      throw new WeirError('WEIR_SQL_STATEMENT', { why, outcome: 'none' }, this.#failure);
    }
    const { within, signal } = input.options;
    if (within === undefined && signal === undefined) return this.#runUntil(this.#stop, input);
    const withinMs = within === undefined ? undefined : toMs(within);
    const own = new Stop({ clock: this.#clock, what: 'a statement', withinMs, signal });
    try {
      return await this.#runUntil(eitherOf(own, this.#stop), input);
    } finally {
      own.dispose();
    }
  }

  async #runUntil(stop: Stopping, input: StatementInput): Promise<SqlResult<unknown>> {
    // Whatever is lost before the commit is rolled back by the database.
    return resultOf(await runOn(this.#connection, input, stop, 'none'), input.options.row);
  }
}

function eitherOf(own: Stop, outer: Stop): Stopping {
  return {
    signal: AbortSignal.any([own.signal, outer.signal]),
    failure: (outcome) => (own.signal.aborted ? own : outer).failure(outcome),
  };
}
