/** Fields of record schemas, in fewer words; and the parts that several records share. */
export const text = (name: string) => ({ name, type: 'string' }) as const;
/** A count, a position or a time in milliseconds. */
export const count = (name: string) => ({ name, type: 'long' }) as const;
export const small = (name: string) => ({ name, type: 'int' }) as const;
export const bytes = (name: string) => ({ name, type: 'bytes' }) as const;
export const choice = (name: string, typeName: string, symbols: readonly string[]) =>
  ({ name, type: { type: 'enum', name: typeName, symbols: [...symbols] } }) as const;

/** An error as it is kept, or nothing: `FaultRecord | null`. */
export const optionalFault = {
  name: 'fault',
  type: [
    'null',
    {
      type: 'record',
      name: 'Fault',
      fields: [
        text('name'),
        text('code'),
        text('message'),
        bytes('details'),
        text('stack'),
        text('remedy'),
        text('at'),
      ],
    },
  ],
} as const;
