/** What the exit code of `weir` says; scripts rely on it. */
export const exitCodes = {
  ok: 0,
  /** The node refused, or the flow FAILED or was KILLED, or a node could not start or go on. */
  failed: 1,
  /** The command line or the configuration is wrong; nothing was done. */
  usage: 2,
  /** No node answers, or it is not ready. */
  unreachable: 3,
  /** The flow has not ended within the wait, is STUCK, or was watched until Ctrl-C only. */
  unfinished: 4,
  /** The event loop of the node stood still, and its watchdog ended it. */
  blocked: 5,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export const exitCodeHelp = `
Exit codes:
  0  done
  1  failed: the node refused, the flow FAILED or was KILLED, or the node could not go on
  2  usage: the command line or the configuration is wrong; nothing was done
  3  no node answers, or it is not ready
  4  unfinished: the flow has not ended within --wait, is STUCK, or was watched until Ctrl-C only
  5  blocked: the event loop of the node stood still, and its watchdog ended it
`;
