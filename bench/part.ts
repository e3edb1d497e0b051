/** The process of one part of the bench: imports the part, runs it, and tells its result. */
import { tell } from './child.ts';

const [, , module = '', argument = 'null'] = process.argv;
const orphaned = (): never => process.exit(1);
// A part whose bench has died must not go on.
process.on('disconnect', orphaned);
const part: { readonly measure: (argument: unknown) => Promise<unknown> } = await import(`./${module}`);
tell(await part.measure(JSON.parse(argument)));
process.off('disconnect', orphaned);
process.disconnect?.();
