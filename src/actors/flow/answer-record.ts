/** Answers to requests of other workers, in bytes. */
import { z } from 'zod';
import { catalogue, type ErrorCode, WeirError } from '../../errors/index.ts';
import { bytes, decodeValue, encodeValue, recordCodec, text } from '../../persistence/index.ts';
import type { Answer } from './request.ts';

interface AnswerRecord {
  /** Id of the request. */
  readonly id: string;
  /** Empty for a value. */
  readonly code: string;
  readonly message: string;
  /** Value-codec bytes: the value, or the context of the error. */
  readonly body: Uint8Array;
}

const answerRecord = recordCodec<AnswerRecord>(
  {
    type: 'record',
    name: 'Answer',
    namespace: 'weir.events',
    fields: [text('id'), text('code'), text('message'), bytes('body')],
  },
  'answer of another worker',
);

const errorContext = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.undefined()]));

/** An answer and the id of the request that it is for. */
export interface LoggedAnswer {
  readonly id: string;
  /** Of the kind that the request asks for. */
  readonly answer: <T>() => Answer<T>;
}

/** @throws WeirError `WEIR_VALUE_UNSUPPORTED` */
export function encodeAnswer(id: string, answer: Answer<unknown>): Uint8Array {
  if (answer.type === 'ok') {
    return answerRecord.encode({ id, code: '', message: '', body: encodeValue(answer.value, 'the answer') });
  }
  const { code, message, context } = answer.error;
  return answerRecord.encode({ id, code, message, body: encodeValue(context, 'the context of the error') });
}

/** @throws WeirError `WEIR_RECORD_UNREADABLE` */
export function decodeAnswer(encoded: Uint8Array): LoggedAnswer {
  const { id, code, message, body } = answerRecord.decode(encoded);
  const content = decodeValue(body);
  if (code !== '') {
    const error = errorOf(code, message, content);
    return { id, answer: () => ({ type: 'error', error }) };
  }
  // Written by the shard that was asked, in answer to this very request: its kind is that of the request.
  return { id, answer: <T>() => ({ type: 'ok', value: content as T }) };
}

/** The error as its shard made it; one that only another version knows says so in its cause. */
function errorOf(code: string, message: string, context: unknown): WeirError {
  const known = errorContext.safeParse(context);
  if (!isCode(code) || !known.success) return new WeirError('WEIR_INTERNAL', {}, new Error(`${code}: ${message}`));
  return new WeirError(code, known.data);
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(catalogue, code);
}
