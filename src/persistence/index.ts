export { canonicalBytes, decodeValue, encodeValue } from './value-codec.ts';
