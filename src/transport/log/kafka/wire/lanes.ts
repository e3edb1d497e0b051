/** All connections of a client, by broker and by whether a request may be parked at the broker. */
import { type Address, Lane, type LaneSettings } from './lane.ts';

/** Requests that are answered at once share so many lanes to each broker. */
const sharedLanes = 4;

export class Lanes {
  readonly #settings: LaneSettings;
  readonly #shared = new Map<string, Set<Lane>>();
  readonly #parking = new Map<string, Set<Lane>>();

  constructor(settings: LaneSettings) {
    this.#settings = settings;
  }

  /** The least busy lane, for a request that is answered at once. */
  shared(address: Address): Lane {
    const lanes = lanesOf(this.#shared, address);
    const least = [...lanes].sort((one, other) => one.load - other.load)[0];
    if (least !== undefined && (least.load === 0 || lanes.size >= sharedLanes)) return least;
    return this.#newLane(lanes, address);
  }

  /** A lane with nothing on it, for a request that may wait at the broker. */
  parking(address: Address): Lane {
    const lanes = lanesOf(this.#parking, address);
    return [...lanes].find(({ load }) => load === 0) ?? this.#newLane(lanes, address);
  }

  close(): void {
    for (const lanes of [...this.#shared.values(), ...this.#parking.values()]) {
      for (const lane of [...lanes]) lane.end('the client is closed');
    }
  }

  #newLane(lanes: Set<Lane>, address: Address): Lane {
    const lane: Lane = new Lane(this.#settings, address, () => void lanes.delete(lane));
    lanes.add(lane);
    return lane;
  }
}

function lanesOf(byBroker: Map<string, Set<Lane>>, { host, port }: Address): Set<Lane> {
  const name = `${host}:${port}`;
  const lanes = byBroker.get(name) ?? new Set();
  byBroker.set(name, lanes);
  return lanes;
}
