/** The process of one part of the bench: imports the part, runs it, and tells its result. */
import { tell } from './child.ts';

const [, , module = '', argument = 'null'] = process.argv;
const part: { readonly measure: (argument: unknown) => Promise<unknown> } = await import(`./${module}`);
tell(await part.measure(JSON.parse(argument)));
process.disconnect?.();
