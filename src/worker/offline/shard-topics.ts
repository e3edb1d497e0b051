/** Topics of the sharded services: the events of a shard are taken as its state says. */
import { flowTopics } from '../../actors/flow/protocol.ts';

export const shardTopics: ReadonlyArray<{ readonly state: string; readonly events: string }> = [flowTopics];
