/** HTTP: the edge through which programs and operators on this machine reach the node. */
export type { Address } from './address.ts';
export { checkAddress } from './address.ts';
export type { HttpMessage, HttpSetup } from './behavior.ts';
export { httpBehavior } from './behavior.ts';
export type { ClusterDesk, Noting, PlacedShard, WorkerStanding } from './cluster-routes.ts';
export type { ErrorDesk, ErrorPage, ErrorQuery, ErrorSeverity, KeptError, ReportedError } from './error-routes.ts';
export type { FigureDesk } from './metrics.ts';
export type { NodeFacts } from './node-routes.ts';
