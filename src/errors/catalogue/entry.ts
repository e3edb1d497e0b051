/** One entry of the catalogue of errors, and the area that it stands in. */

/**
 * `message` and `remedy` are templates over the error's context (`{name}`; `{name?}` where it may be absent); `status`
 * is the HTTP status at an edge.
 */
export interface CatalogueEntry {
  readonly message: string;
  readonly remedy: string;
  readonly status: number;
  /** The same request may succeed later without a change. Default false. */
  readonly retryable?: boolean;
}

/** The codes of one area and what each of them says. */
export type CatalogueArea = Readonly<Record<`WEIR_${string}`, CatalogueEntry>>;
