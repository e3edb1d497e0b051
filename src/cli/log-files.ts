/** The files of `weir log export` and `import`, or standard output and input. */
import { constants, createReadStream } from 'node:fs';
import { access, link, open, rm } from 'node:fs/promises';
import { messageOf, WeirError } from '../errors/index.ts';

export interface FileSink {
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Everything is written: the file appears under its name. */
  readonly finish: () => Promise<void>;
  /** Nothing of it is left. */
  readonly abandon: () => Promise<void>;
}

/**
 * A file that is there as a whole or not at all.
 * @throws WeirError `WEIR_LOG_FILE` when it is there already, or cannot be made
 */
export async function fileSink(file: string): Promise<FileSink> {
  if (file === '-') return { write: toStdout, finish: async () => undefined, abandon: async () => undefined };
  if (await exists(file)) throw new WeirError('WEIR_LOG_FILE', { file, why: 'it is there already' });
  const part = `${file}.part`;
  const handle = await open(part, 'w').catch((error: unknown) => {
    throw new WeirError('WEIR_LOG_FILE', { file, why: messageOf(error) }, error);
  });
  return {
    async write(bytes) {
      await handle.writeFile(bytes).catch((error: unknown) => {
        throw new WeirError('WEIR_LOG_FILE', { file, why: messageOf(error) }, error);
      });
    },
    async finish() {
      await handle.sync();
      await handle.close();
      // A link, unlike a rename, replaces nothing that appeared meanwhile.
      await link(part, file).catch((error: unknown) => {
        throw new WeirError('WEIR_LOG_FILE', { file, why: messageOf(error) }, error);
      });
      await rm(part);
    },
    async abandon() {
      await handle.close().catch(() => undefined);
      await rm(part, { force: true });
    },
  };
}

/** @throws WeirError `WEIR_LOG_FILE` */
export async function fileSource(
  file: string,
  stdin: NodeJS.ReadableStream,
): Promise<{ readonly name: string; readonly chunks: AsyncIterable<Uint8Array> }> {
  if (file === '-') return { name: 'standard input', chunks: bytesOf(stdin) };
  await access(file, constants.R_OK).catch((error: unknown) => {
    throw new WeirError('WEIR_LOG_FILE', { file, why: messageOf(error) }, error);
  });
  return { name: file, chunks: createReadStream(file, { highWaterMark: 1_048_576 }) };
}

/** Resolves when the bytes are through, so that no more of the log is read than whoever reads can take. */
function toStdout(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

async function* bytesOf(stream: NodeJS.ReadableStream): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
