/** The embedding API: a whole node in this process, on a data directory of its own. */
import { type Clock, holdProcess, type Logger, pinoLogger, systemClock, systemRandom } from '../ports/index.ts';
import { openEmbeddedLog } from '../transport/log/index.ts';
import { loopbackTransport } from '../transport/peer/index.ts';
import { createNode, type ExtraServices, type Node, type NodeSettings } from './node.ts';

export interface StartNodeSettings extends NodeSettings {
  /** The data directory; created when it is missing, used by one process at a time. */
  readonly data: string;
  /** Default: JSON lines of level `warn` and above on standard error. */
  readonly logger?: Logger;
}

/**
 * Starts a node; resolves when it is ready: unfinished flows of an earlier run are going on by then.
 *
 * ```ts
 * const node = await startNode({ members: { ACMEGB2L: { flows: [buy] }, SELLDEFF: { flows: [sell] } }, data: './data' });
 * const purchase = await node.start('ACMEGB2L', buy, { seller: 'SELLDEFF', isin: 'DE0001102580', price: 99n });
 * console.log(await purchase.result());
 * await node.stop();
 * ```
 * @throws WeirError `WEIR_LOG_IN_USE`, `WEIR_LOG_VERSION`, `WEIR_LOG_DAMAGED` for the data directory;
 *   `WEIR_CONFIGURATION_INVALID`, `WEIR_FLOW_DEFINITION`, `WEIR_START_TIMEOUT`
 */
export async function startNode(settings: StartNodeSettings, extra?: ExtraServices): Promise<Node> {
  const clock: Clock = systemClock();
  const random = systemRandom();
  const logger = settings.logger ?? pinoLogger({ level: 'warn' });
  const log = await openEmbeddedLog({ directory: settings.data, clock, logger });
  const peer = loopbackTransport({ clock, random });
  try {
    const node = await createNode(settings, { log, clock, random, logger, peer }, extra);
    const letGo = holdProcess();
    return {
      ...node,
      async stop() {
        await node.stop();
        letGo();
      },
    };
  } catch (error) {
    await log.close();
    throw error;
  }
}
