/** Stands for a mail server that takes each message once: the id of a step is its key, so that a repeat is no second mail. */

export interface Mail {
  readonly to: string;
  readonly text: string;
}

const taken = new Map<string, Mail>();

export function mail(id: string, to: string, text: string): void {
  if (!taken.has(id)) taken.set(id, { to, text });
}

/** Everything that was sent to somebody, oldest first. */
export function mailsTo(recipient: string): readonly string[] {
  return [...taken.values()].filter(({ to }) => to === recipient).map(({ text }) => text);
}
