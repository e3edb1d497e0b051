/** The three-step flow over HTTP: start and result in one request, from a client in another process than the node. */
import { Agent, request } from 'node:http';
import { ended, forkModule, nextMessage, progress } from './child.ts';
import type { FlowsSettings } from './flows.ts';
import { type Load, load, type Usage, usage } from './load.ts';
import { hundredBytes } from './three-step.ts';

export interface HttpRun extends Load {
  readonly serverCpuMsPerFlow: number;
  /** The client has the same cores. */
  readonly clientCpuMsPerFlow: number;
}

export async function measure({ runs, flows, inFlight, warmUp }: FlowsSettings): Promise<HttpRun[]> {
  const node = forkModule('http-node.ts', []);
  const { url } = await nextMessage<{ readonly url: string }>(node);
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight });
  const usageOfNode = async (): Promise<Usage> => {
    const answer = nextMessage<Usage>(node);
    node.send('usage');
    return answer;
  };
  const results: HttpRun[] = [];
  let started = 0;
  const once = (): Promise<void> => settle(url, agent, `request-${started++}`);
  await load(warmUp, inFlight, once);
  for (let run = 1; run <= runs; run++) {
    const before = { node: await usageOfNode(), client: usage() };
    const result = await load(flows, inFlight, once);
    const after = { node: await usageOfNode(), client: usage() };
    progress(`${inFlight} in flight over HTTP, run ${run} of ${runs}: ${Math.round(result.flowsPerSecond)} flows/s`);
    results.push({
      ...result,
      serverCpuMsPerFlow: (after.node.cpuMs - before.node.cpuMs) / flows,
      clientCpuMsPerFlow: (after.client.cpuMs - before.client.cpuMs) / flows,
    });
  }
  agent.destroy();
  node.send('stop');
  await ended(node);
  return results;
}

/** @throws Error when the flow did not complete */
function settle(url: string, agent: Agent, clientRequestId: string): Promise<void> {
  const body = JSON.stringify({ clientRequestId, flow: 'three-step', input: hundredBytes });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = request(
      `${url}/api/v1/members/BENCH/flows?wait=30s`,
      { method: 'POST', agent, headers },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => {
          if (response.statusCode === 200 && text.includes('"COMPLETED"')) resolve();
          else reject(new Error(`HTTP ${response.statusCode}: ${text.slice(0, 500)}`));
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
