/** The machine that the figures belong to, as far as they depend on it. */
import { statfsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os';

export interface Machine {
  readonly at: string;
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly node: string;
  readonly platform: string;
  /** Where the data directories of the runs lie. */
  readonly directory: string;
  readonly filesystem: string;
  /** Load average over 1, 5 and 15 minutes before the first run: above the number of cores, others had work too. */
  readonly load: readonly number[];
}

const filesystems = new Map<number, string>([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x01021994, 'tmpfs: not a disk'],
  [0x794c7630, 'overlayfs'],
  [0x2fc12fc1, 'zfs'],
]);

export function machine(): Machine {
  const { type } = statfsSync(tmpdir());
  return {
    at: new Date().toISOString(),
    cores: availableParallelism(),
    processor: cpus()[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    directory: tmpdir(),
    filesystem: filesystems.get(type) ?? `type 0x${type.toString(16)}`,
    load: loadavg().map((value) => Math.round(value * 100) / 100),
  };
}

export function machineLine(machine: Machine): string {
  const { at, cores, processor, memoryGiB, node, platform, directory, filesystem, load } = machine;
  return `${at}  ${cores} cores (${processor}), ${memoryGiB} GiB, ${platform}, Node ${node}, ${directory} on ${filesystem}, load ${load.join(' ')}`;
}
