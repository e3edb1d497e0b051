export type { CatalogueEntry, ErrorCode } from './catalogue.ts';
export { catalogue } from './catalogue.ts';
export { didYouMean, namesHint } from './suggest.ts';
export type { ErrorContext } from './weir-error.ts';
export { ensureError, messageOf, WeirError } from './weir-error.ts';
