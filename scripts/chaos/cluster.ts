/**
 * The cluster under test, as a port: workers that are real processes, which can be killed, stopped and started again,
 * and the brokers below them, if there are any.
 */

export interface WorkerUnderTest {
  readonly name: string;
  /** Where it listens; undefined while it is not up. */
  url(): string | undefined;
  /** Of the process that runs, if one does. */
  pid(): number | undefined;
  /** Sends a signal to the process; false when there is none. */
  signal(signal: NodeJS.Signals): boolean;
}

/** A worker without a parent of its own kind. */
export interface SingleWorker extends WorkerUnderTest {
  /** Starts it, and again whenever it dies; resolves when it listens, or has ended before that. */
  start(): Promise<void>;
  /** An orderly end; it is not started again by itself. */
  stop(): Promise<void>;
  /** SIGKILL; it is not started again by itself. */
  destroy(): void;
}

/** The brokers, numbered from 0; what runs on them starts and stops them. */
export interface BrokersUnderTest {
  readonly brokers: readonly string[];
  /** SIGKILL. */
  kill(broker: number): Promise<void>;
  /** Starts one that was killed, on its data; resolves when it serves. */
  start(broker: number): Promise<void>;
  /** SIGSTOP, SIGCONT. */
  pause(broker: number): void;
  resume(broker: number): void;
}

/** A process that ended. Only `SIGKILL`, and the end that was asked for, are expected. */
export interface WorkerExit {
  readonly worker: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines of its log. */
  readonly log: readonly string[];
}

export interface ClusterUnderTest<Worker extends WorkerUnderTest = WorkerUnderTest> {
  readonly workers: readonly Worker[];
  /** Undefined on the embedded log. */
  readonly brokers: BrokersUnderTest | undefined;
  /** Starts the first workers; resolves when they are ready. A worker that dies from then on is started again at once. */
  start(): Promise<void>;
  /** Told of each process that ended. */
  onExit(listener: (exit: WorkerExit) => void): void;
  /** Stops every worker in order (SIGTERM), and nothing is started again. */
  stop(): Promise<void>;
  /** Ends every worker at once, whatever state it is in. */
  destroy(): void;
}
