/** Recognises a disk (or a quota) that is full, through the causes in which libraries wrap it. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return /ENOSPC|EDQUOT|no space left|quota exceeded/i.test(error.message) || isDiskFull(error.cause);
}
