/** Values of the flags of the project's commands: a flag that has another value is refused in a sentence. */
import { InvalidArgumentError } from 'commander';

/** From 0. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError('It should be a whole number.');
  return value;
}

/** From 1. */
export function count(text: string): number {
  const value = wholeNumber(text);
  if (value === 0) throw new InvalidArgumentError('It should be 1 or more.');
  return value;
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('It should be a number above 0.');
  return value;
}
