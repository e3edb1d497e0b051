/** What to try next on the node that is up: lines that can be pasted into a shell as they are. */
import type { GivenFile } from './archive.ts';
import { pay } from './flows.ts';
import type { CreditTransfer } from './iso20022/index.ts';

export function adviceFor(url: string, files: readonly GivenFile[]): readonly string[] {
  const transfer = files.flatMap(transfersOf)[0];
  const server = url === 'http://127.0.0.1:7447' ? '' : ` --url ${url}`;
  const lines = [
    `The node answers on ${url}. Try in another shell:`,
    `  curl -s '${url}/api/v1/flows?flow=${pay.name}&limit=3'`,
  ];
  if (transfer !== undefined) {
    const flows = `${url}/api/v1/members/${encodeURIComponent(transfer.debtor.bank.id)}`;
    lines.push(`  curl -s ${flows}/requests/${encodeURIComponent(transfer.clientRequestId)}`);
    lines.push(
      `  curl -s '${flows}/flows?wait=10s' -H 'content-type: application/json' -d '${shellSafe(exampleOf(transfer))}'`,
    );
  }
  lines.push(
    `  npm run weir -- flow list --limit 5${server}`,
    `  npm run weir -- status${server}`,
    'Kill it in the middle (kill -9), start it again: it goes on. Your own files: npm start -- FILES --open-accounts 1000',
  );
  return lines;
}

function transfersOf({ messages }: GivenFile): CreditTransfer[] {
  return messages.flatMap(({ transactions }) =>
    transactions.flatMap((one) => (one.type === 'transfer' ? [one.transfer] : [])),
  );
}

/** One more payment like the first, of the smallest amount there is; under an id of its own, so that it is paid once. */
function exampleOf({ debtor, creditor, amount: { currency } }: CreditTransfer): string {
  const clientRequestId = 'by-hand-1';
  const input = { clientRequestId, messageId: 'BY-HAND', index: 0, amount: { currency, minor: '1' }, debtor, creditor };
  return JSON.stringify({ clientRequestId, flow: pay.name, input });
}

function shellSafe(text: string): string {
  return text.replaceAll("'", `'\\''`);
}
