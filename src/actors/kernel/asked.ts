/**
 * A question on its way to its answerer: it stands in the mailbox in place of its message, so that whoever asks is told at
 * once when nobody will ever handle that.
 */
export abstract class Asked<in out Message> {
  /** What the answerer handles. Let go of with the answer, unless it still waits in a mailbox or a stash. */
  request: Message | undefined;
  /** It waits in a mailbox or a stash. */
  waits = false;

  /** Nobody will handle it. */
  abstract abandon(): void;
}

/** What an entry of a mailbox is to anybody but the kernel. */
export function messageOfEntry<Message>(entry: Message | Asked<Message>): Message {
  // Its message is there as long as it waits.
  return entry instanceof Asked ? (entry.request as Message) : entry;
}
