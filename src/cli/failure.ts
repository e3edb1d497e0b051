/** How errors look on the command line: one sentence with its code, its causes, and what to do. Never a stack. */
import { causesOf, type ErrorCode, ensureError, WeirError } from '../errors/index.ts';
import { commandName } from './command-line.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

/** A refusal of a node that was asked over HTTP. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: string;
  readonly remedy: string;
  readonly status: number;
  readonly retryable: boolean;

  constructor(problem: {
    readonly code: string;
    readonly detail: string;
    readonly remedy: string;
    readonly status: number;
    readonly retryable: boolean;
  }) {
    super(problem.detail);
    this.code = problem.code;
    this.remedy = problem.remedy;
    this.status = problem.status;
    this.retryable = problem.retryable;
  }
}

const usageCodes: ReadonlySet<ErrorCode> = new Set([
  'WEIR_CLI_USAGE',
  'WEIR_WORKERS_NEED_KAFKA',
  'WEIR_CONFIGURATION_INVALID',
  'WEIR_CONFIGURATION_UNREADABLE',
  'WEIR_MODULE_UNUSABLE',
  'WEIR_FLOW_DEFINITION',
  'WEIR_DURATION_INVALID',
  'WEIR_FAULT_INVALID',
  'WEIR_HTTP_ADDRESS',
  'WEIR_LOG_FILE',
]);

export function exitCodeOf(thrown: unknown): ExitCode {
  if (thrown instanceof Refusal) return thrown.status === 503 ? exitCodes.unreachable : exitCodes.failed;
  if (!WeirError.is(thrown)) return exitCodes.failed;
  if (usageCodes.has(thrown.code)) return exitCodes.usage;
  return thrown.code === 'WEIR_NODE_UNREACHABLE' ? exitCodes.unreachable : exitCodes.failed;
}

/** The error as text for a person, or as one line of JSON. */
export function failureText(thrown: unknown, json: boolean): string {
  const { code, message, remedy: said } = factsOf(thrown);
  // Remedies name commands; they are told as they can be typed here.
  const remedy = said.replace(
    /\bweir(?= (?:up|worker|workers|shard|shards|drain|undrain|flow|hospital|audit|status|errors|tree|actor|chaos|log|reshard|doctor|--help)\b)/g,
    commandName(process.env),
  );
  const causes = causesOf(thrown);
  if (json) return `${JSON.stringify({ error: { code, message, causes, remedy } })}\n`;
  return [`weir: ${message} (${code})`, ...causes.map((cause) => `  cause: ${cause}`), `  to do: ${remedy}`, ''].join(
    '\n',
  );
}

interface Facts {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

function factsOf(thrown: unknown): Facts {
  if (thrown instanceof Refusal || WeirError.is(thrown)) {
    return { code: thrown.code, message: thrown.message, remedy: thrown.remedy };
  }
  return {
    code: 'WEIR_INTERNAL',
    message: ensureError(thrown).message,
    remedy: 'run it again with WEIR_LOG_LEVEL=debug, and report what it says',
  };
}
