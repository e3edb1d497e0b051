/**
 * Messages between shards are conserved (W3, W4). Numbers of a stream follow each other; nothing is taken that its
 * sender has not committed, and nothing is forgotten that its receiver has not; each request to a persistent actor is
 * answered once, by the commit that takes it.
 */
import { actorMessage } from '../../../actors/flow/protocol.ts';
import { decodeRouted } from '../../../actors/shard/index.ts';
import type { ShardId } from '../../../transport/log/index.ts';
import { ByShard } from '../by-shard.ts';
import type { SimEvent } from '../events.ts';
import type { Invariant } from '../world.ts';

/** One stream, from one shard to another. */
interface Stream {
  readonly name: string;
  /** Number of the last entry that is known to be in the log. */
  sent: number;
  /** Number of the last entry that its receiver has durably taken. */
  taken: number;
  /** Entries that are not taken yet. */
  readonly waiting: Map<number, ActorMessage>;
}

type Commit = Extract<SimEvent, { type: 'commit' | 'applied' }>;
type Append = Extract<SimEvent, { type: 'append' }>;

/** Who sent what: a stream has its sender's node and service, and both ends' partitions. */
type Ends = Pick<ShardId, 'topic'> & { readonly node: string; readonly sender: number; readonly receiver: number };

/** State and events of a service are topics of one name. */
const serviceOf = (topic: string): string => topic.slice(0, topic.indexOf('.'));

export function streamsBetweenShards(): Invariant {
  const streams = new ByShard(() => new Map<number, Stream>());
  const answered = new Set<string>();
  const between = ({ node, topic, sender, receiver }: Ends): Stream => {
    const service = serviceOf(topic);
    const mine = streams.of(node, { topic: service, partition: sender });
    let stream = mine.get(receiver);
    if (stream === undefined) {
      stream = { name: `${node}/${service}: ${sender} to ${receiver}`, sent: 0, taken: 0, waiting: new Map() };
      mine.set(receiver, stream);
    }
    return stream;
  };
  const streamOf = ({ node, shard }: Commit, sender: number, receiver: number): Stream =>
    between({ node, topic: shard.topic, sender, receiver });

  /** What leaves for a shard of another worker: entries that are durable, acknowledgements of what is durably taken. */
  function appending({ node, topic, partition, records }: Append, violate: (text: string) => void): void {
    for (const { value } of records) {
      if (value === null) continue;
      const message = decodeRouted(value);
      if (message.type === 'delivery') {
        const { name, sent } = between({ node, topic, sender: message.from, receiver: partition });
        const last = message.entries.at(-1)?.number ?? 0;
        if (last > sent) violate(`${name}: entry ${last} leaves, and its sender has committed ${sent}`);
      } else if (message.type === 'ack') {
        const { name, taken } = between({ node, topic, sender: partition, receiver: message.from });
        if (message.number > taken)
          violate(`${name}: ${message.number} entries are acknowledged, ${taken} durably taken`);
      }
    }
  }

  /** What holds at the moment a commit is sent: whatever it is about is durable at the other shard. */
  function leaving(event: Commit, violate: (text: string) => void): void {
    const { partition } = event.shard;
    const { marks, stream: entries } = event.contents;
    for (const { sender, taken } of marks) {
      const { name, sent } = streamOf(event, sender, partition);
      if (taken > sent) violate(`${name}: entry ${taken} is taken, and its sender has committed ${sent}`);
    }
    for (const { receiver, number, value } of entries) {
      const { name, taken } = streamOf(event, partition, receiver);
      // The newest entry that is acknowledged keeps its record; so the one behind it is acknowledged, too.
      if (value === null && taken <= number) {
        violate(`${name}: entry ${number} is forgotten, and its receiver has taken ${taken}`);
      }
    }
  }

  /** Entries that a commit takes, in the order of their numbers. */
  function take(event: Commit, violate: (text: string) => void): ActorMessage[] {
    return event.contents.marks.flatMap(({ sender, taken: now }) => {
      const stream = streamOf(event, sender, event.shard.partition);
      if (now < stream.taken) violate(`${stream.name}: it goes back from entry ${stream.taken} to ${now}`);
      const taken: ActorMessage[] = [];
      while (stream.taken < now) {
        stream.taken += 1;
        const entry = stream.waiting.get(stream.taken);
        if (entry !== undefined) taken.push(entry);
        stream.waiting.delete(stream.taken);
      }
      return taken;
    });
  }

  function send(event: Commit, violate: (text: string) => void): ActorMessage[] {
    return event.contents.stream.flatMap(({ receiver, number, value }) => {
      if (value === null) return [];
      const stream = streamOf(event, event.shard.partition, receiver);
      if (number !== stream.sent + 1) violate(`${stream.name}: entry ${number} follows entry ${stream.sent}`);
      const message = actorMessage.decode(value);
      stream.sent = number;
      stream.waiting.set(number, message);
      return [message];
    });
  }

  return {
    name: 'messages between shards are conserved',
    hears: ['commit', 'append', 'applied'],
    event(event, violate) {
      if (event.type === 'commit') leaving(event, violate);
      if (event.type === 'append' && event.topic.endsWith('.events')) appending(event, violate);
      if (event.type !== 'applied') return;
      const { marks, stream } = event.contents;
      if (marks.length === 0 && stream.length === 0) return;
      // It takes first: of what it sends itself, only what an earlier commit has sent.
      const asked = take(event, violate).flatMap((message) => requestIn(message, 'ask') ?? []);
      const answers = send(event, violate).flatMap((message) => requestIn(message, 'answer') ?? []);
      for (const request of asked) {
        if (!answers.includes(request))
          violate(`request ${request} is taken, and its answer is not in the same commit`);
      }
      for (const request of answers) {
        if (!asked.includes(request)) violate(`request ${request} is answered by a commit that does not take it`);
        if (answered.has(request)) violate(`request ${request} is answered twice`);
        answered.add(request);
      }
    },
  };
}

type ActorMessage = ReturnType<typeof actorMessage.decode>;

/** The id of a request that is asked or answered; undefined for every other message. */
function requestIn(message: ActorMessage, kind: 'ask' | 'answer'): string | undefined {
  return message.kind === kind ? message.request : undefined;
}
