// The world's failures: catalogued errors. See error-catalogue.ts for the entries.
//
//   E1. A code exists only if someone reacts to it differently.
//   E2. Nobody branches on message text; branch on `code`.

import { catalogue } from './error-catalogue.ts';
import type { CatalogueEntry, Reaction } from './error-entry.ts';

export type ErrorCode = keyof typeof catalogue;
type DataOf<C extends ErrorCode> = (typeof catalogue)[C] extends CatalogueEntry<infer D> ? D : never;

/** A catalogued error. `data` holds the values of the message; `cause` what was caught. */
export class MillraceError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name: string;
  readonly code: C;
  readonly reaction: Reaction;
  readonly fix: string;
  readonly data: DataOf<C>;

  constructor(code: C, data: DataOf<C>, cause?: unknown) {
    const found = catalogue[code] as CatalogueEntry<DataOf<C>>;
    super(`${code} ${found.name}: ${found.message(data)}`, cause === undefined ? undefined : { cause });
    this.name = found.name;
    this.code = code;
    this.reaction = found.reaction;
    this.fix = found.fix;
    this.data = data;
  }
}

/** True when `error` is the catalogued error `code`. */
export function isError<C extends ErrorCode>(error: unknown, code: C): error is MillraceError<C> {
  return error instanceof MillraceError && error.code === code;
}

/** True for errors that say "wait and try again": back-pressure, never a dead letter. */
export function isRetry(error: unknown): boolean {
  return error instanceof MillraceError && error.reaction === 'retry';
}
