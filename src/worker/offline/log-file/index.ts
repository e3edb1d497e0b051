/** The file that a log is exported to and imported from. */
export type { LogFileHeader } from './format.ts';
export type { LogFilePart } from './read.ts';
export { readLogFile } from './read.ts';
export type { Sink } from './write.ts';
export { LogFileWriter } from './write.ts';
