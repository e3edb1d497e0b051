export type { RecordCodec } from './avro.ts';
export { recordCodec } from './avro.ts';
export type { AvroSchema } from './avro-schema.ts';
export { canonicalBytes, decodeValue, encodeValue } from './value-codec.ts';
