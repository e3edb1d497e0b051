/** What may be done to a flow, as its history and the audit name it. The audit has one word more: `end`. */
export type Act = 'start' | 'retry' | 'retry with another state' | 'skip' | 'kill' | 'cancel' | 'signal';
