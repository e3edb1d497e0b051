export type { LoopbackSetup, PeerFaults } from './loopback.ts';
export { loopbackTransport } from './loopback.ts';
export type { PeerMessage, PeerTransport } from './port.ts';
