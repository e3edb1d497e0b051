/**
 * A checkup of everything that a node stands on: its configuration, the code of its flows, the data directory, the port,
 * and its log, wherever that is. It changes nothing that a start of the node would not.
 */
import { flowTopics } from '../../actors/flow/protocol.ts';
import { checkAddress } from '../../actors/rpc/index.ts';
import { WeirError } from '../../errors/index.ts';
import { type Clock, type Logger, systemRandom } from '../../ports/index.ts';
import {
  counted,
  directoryCheckup,
  embeddedCheckup,
  type Finding,
  found,
  openKafkaCheckup,
  well,
} from '../../transport/log/index.ts';
import { workerGroups } from '../cluster/index.ts';
import { type Configuration, loadMembers } from '../configuration/index.ts';

/** What of a configuration is looked at. */
type Looked = Pick<Configuration, 'file' | 'data' | 'kafka' | 'shards' | 'http' | 'modules' | 'members'>;

export interface CheckupSetup {
  readonly configuration: Looked;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Findings as they come; each part is looked at whatever the others have found. */
export async function* checkup({ configuration, clock, logger }: CheckupSetup): AsyncGenerator<Finding> {
  const { file, data: directory, kafka, shards: wanted, members } = configuration;
  const where = kafka === undefined ? 'log in the data directory' : `log on ${kafka.brokers.join(', ')}`;
  yield well('configuration', `${file}: ${counted(members.length, 'member')}, ${where}`);
  yield await code(configuration);
  yield await port(configuration);
  yield* directoryCheckup({ directory, clock, logger });
  const shards = { topic: flowTopics.state, wanted };
  if (kafka === undefined) yield* embeddedCheckup({ directory, clock, logger, shards });
  else {
    try {
      yield* openKafkaCheckup({ ...kafka, clock, logger, random: systemRandom(), groups: workerGroups, shards });
    } catch (error) {
      yield found('log', error);
    }
  }
}

async function code(configuration: Looked): Promise<Finding> {
  try {
    const members = await loadMembers(configuration);
    const flows = new Set(members.flatMap((member) => member.flows));
    const actors = new Set(members.flatMap((member) => member.actors));
    return well('code', `${counted(flows.size, 'flow')} and ${counted(actors.size, 'kind')} of persistent actors`);
  } catch (error) {
    return found('code', error);
  }
}

async function port({ http }: Looked): Promise<Finding> {
  try {
    await checkAddress(http);
    return well('http', http.port === 0 ? 'any port that is free' : `port ${http.port} of ${http.host} is free`);
  } catch (error) {
    // Very likely by the node itself.
    return found('http', error, WeirError.is(error, 'WEIR_HTTP_PORT_IN_USE') ? 'warn' : 'fail');
  }
}
