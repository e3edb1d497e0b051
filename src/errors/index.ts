export type { CatalogueEntry, ErrorCode } from './catalogue/index.ts';
export { catalogue } from './catalogue/index.ts';
export { didYouMean, namesHint } from './suggest.ts';
export type { ErrorContext } from './weir-error.ts';
export { causesOf, ensureError, messageOf, WeirError } from './weir-error.ts';
