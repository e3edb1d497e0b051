/** The three-step flow as a Restate service, in the process that Restate calls. */
import { createServer } from 'node:http2';
import * as restate from '@restatedev/restate-sdk';
import { work } from './processes.ts';

const threeStep = restate.service({
  name: 'ThreeStep',
  handlers: {
    run: async (context: restate.Context, { data }: { data: string }) => {
      const first = await context.run('first', () => work(data));
      const second = await context.run('second', () => work(first));
      return context.run('third', () => work(second));
    },
  },
});

const handler = restate.createEndpointHandler({ services: [threeStep] });
createServer(handler).listen(Number(process.argv[2]), '127.0.0.1', () => process.send?.('listening'));
// A service whose bench has died must not stay.
process.on('disconnect', () => process.exit());
