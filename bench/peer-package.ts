/** Peers are packages of their own below this folder, installed at first use; none of them is shipped with Weir. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { progress } from './child.ts';

/** Undefined when the package of `folder` is there; else why not. */
export async function installPeers(folder: string): Promise<string | undefined> {
  if (existsSync(`${folder}node_modules`)) return undefined;
  progress('installing the peers, once');
  const { code } = await run(folder, 'npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts']);
  return code === 0 ? undefined : 'npm could not install them';
}

/** Runs one script of the package and gives what it prints as its last line. */
export async function runPeer<Report>(folder: string, script: string): Promise<Report> {
  const { code, output } = await run(folder, process.execPath, [`${script}.ts`]);
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  if (code !== 0) throw new Error(`its script ended with ${code}`);
  // Each caller knows what the scripts of its package print.
  return JSON.parse(last) as Report;
}

async function run(
  cwd: string,
  command: string,
  args: readonly string[],
): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, output };
}
