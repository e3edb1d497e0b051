import { kindOf } from './kind.ts';

/**
 * Ends a `switch` over all kinds of a message: a kind that the code forgot does not compile.
 * @throws TypeError when a message came that no type allows, from code without types
 */
export function unreachable(message: never): never {
  throw new TypeError(`not a message of this actor: ${kindOf(message)}`);
}
