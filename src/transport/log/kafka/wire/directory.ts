/** Who is who in the cluster: brokers, leaders of partitions, coordinators. Learnt when needed, forgotten by `refresh`. */
import { kafkaError, WireFailure } from '../wire.ts';
import { kafkajsRequests } from './kafkajs.ts';
import type { Address } from './lane.ts';
import type { Lanes } from './lanes.ts';
import { type Metadata, metadataRequest, type TopicMetadata } from './requests.ts';

export type Found = { readonly at: Address } | { readonly error: number };

export type CoordinatorOf = 'group' | 'transaction';

export class Directory {
  readonly #lanes: Lanes;
  readonly #seeds: readonly Address[];
  readonly #timeoutMs: number;
  readonly #topics = new Map<string, Promise<TopicMetadata>>();
  readonly #coordinators = new Map<string, Promise<Found>>();
  #brokers = new Map<number, Address>();
  #turn = 0;

  constructor(setup: { lanes: Lanes; seeds: readonly Address[]; timeoutMs: number }) {
    this.#lanes = setup.lanes;
    this.#seeds = setup.seeds;
    this.#timeoutMs = setup.timeoutMs;
  }

  refresh(): void {
    this.#topics.clear();
    this.#coordinators.clear();
  }

  async leader(topic: string, partition: number): Promise<Found> {
    const { error, partitions } = await remembered(this.#topics, topic, () => this.#topic(topic));
    const found = partitions[partition];
    if (error !== kafkaError.none) return { error };
    if (found === undefined) return { error: kafkaError.unknownTopicOrPartition };
    const at = this.#brokers.get(found.leader);
    return at === undefined ? { error: found.error || kafkaError.leaderNotAvailable } : { at };
  }

  coordinator(type: CoordinatorOf, id: string): Promise<Found> {
    return remembered(this.#coordinators, `${type} ${id}`, async () => {
      const coordinatorType = type === 'group' ? 0 : 1;
      const request = kafkajsRequests.findCoordinator({ groupId: id, coordinatorType });
      const { errorCode, coordinator } = await this.anyBroker((at) =>
        this.#lanes.shared(at).send(request, this.#timeoutMs),
      );
      if (errorCode !== kafkaError.none) this.forgetCoordinator(type, id);
      return errorCode === kafkaError.none ? { at: coordinator } : { error: errorCode };
    });
  }

  forgetCoordinator(type: CoordinatorOf, id: string): void {
    this.#coordinators.delete(`${type} ${id}`);
  }

  async topics(): Promise<readonly TopicMetadata[]> {
    return (await this.#metadata(undefined)).topics;
  }

  /** Asks brokers in turn until one answers: which of them it is does not matter. */
  async anyBroker<T>(ask: (at: Address) => Promise<T>): Promise<T> {
    const brokers = [...this.#brokers.values(), ...this.#seeds];
    this.#turn += 1;
    let failure = new WireFailure('no broker is known');
    for (let index = 0; index < brokers.length; index += 1) {
      const at = brokers[(this.#turn + index) % brokers.length];
      if (at === undefined) continue;
      try {
        return await ask(at);
      } catch (error) {
        // The next one may be reached; when none is, the last failure tells why.
        if (!(error instanceof WireFailure)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  metadata(): Promise<Metadata> {
    return this.#metadata(undefined);
  }

  /** The brokers of the cluster, by id. */
  async brokers(): Promise<ReadonlyMap<number, Address>> {
    await this.#metadata(undefined);
    return this.#brokers;
  }

  async #topic(name: string): Promise<TopicMetadata> {
    const { topics } = await this.#metadata(name);
    const found = topics.find((topic) => topic.name === name);
    const topic = found ?? { error: kafkaError.unknownTopicOrPartition, name, id: '', internal: false, partitions: [] };
    // A topic that is being created is there soon.
    if (topic.error !== kafkaError.none) this.#topics.delete(name);
    return topic;
  }

  async #metadata(topic: string | undefined): Promise<Metadata> {
    const request = metadataRequest(topic);
    const metadata = await this.anyBroker((at) => this.#lanes.shared(at).send(request, this.#timeoutMs));
    this.#brokers = new Map(metadata.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    return metadata;
  }
}

/** What is being asked for is asked for once; a failure is not remembered. */
function remembered<T>(memory: Map<string, Promise<T>>, key: string, ask: () => Promise<T>): Promise<T> {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const asked = ask();
  memory.set(key, asked);
  asked.catch(() => {
    if (memory.get(key) === asked) memory.delete(key);
  });
  return asked;
}
