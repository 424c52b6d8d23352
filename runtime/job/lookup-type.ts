// What a lookup is declared with, and what it gives.

import type { z } from 'zod';
import type { lookupSchema } from '../../crds/stream-job/lookup.ts';
import type { Cel } from './cel.ts';
import { codeOf } from './code.ts';

type LookupInput = z.input<typeof lookupSchema>;
type EventValue<E, R> = Cel | ((event: E, key: unknown, timeMs: number, nowMs: number) => R);
type EventValues<E> = { readonly [name: string]: EventValue<E, unknown> };
type Limits = Omit<LookupInput, 'http' | 'code' | 'as'>;

/** A request for each event. What comes of events belongs into `query`, where it is encoded. */
export type HttpRequest<E> = {
  readonly url: string | EventValue<E, string>;
  readonly query?: EventValues<E>;
  readonly method?: 'GET' | 'POST';
  readonly headers?: EventValues<E>;
  /** Header → a variable of the worker's environment, and what stands before it. Its value is in no plan, state, log or dead letter. */
  readonly secretHeaders?: { readonly [header: string]: { readonly env: string; readonly prefix?: string } };
  readonly body?: EventValue<E, unknown>;
};

/** `as`: the field that gets the answer. `code` is asked again when it throws, takes too long, or after a crash: it must only read. */
export type LookupOptions<E, As extends string, R> = Limits & { readonly as: As } & (
    | { readonly code: (event: E, key: unknown, context: { readonly signal: AbortSignal }) => Promise<R> | R; readonly http?: never }
    | { readonly http: HttpRequest<E>; readonly code?: never }
  );

/** An event with its answer. */
export type WithAnswer<E, As extends string, R> = Omit<E, As> & { readonly [F in As]: R | null };

/** An event that got none, and why. */
export type Unanswered<E> = { readonly event: E; readonly problem: string };

export type LookupDraft = LookupOptions<never, string, unknown>;

/** An address that is a text is that text. */
export function lookupSpec({ http, ...rest }: LookupDraft): LookupInput {
  if (http === undefined) return rest as LookupInput;
  const { url, query, headers, body, ...request } = http;
  return {
    ...rest,
    http: {
      ...request,
      url: typeof url === 'string' ? JSON.stringify(url) : codeOf(url),
      ...(query === undefined ? {} : { query: codesOf(query) }),
      ...(headers === undefined ? {} : { headers: codesOf(headers) }),
      ...(body === undefined ? {} : { body: codeOf(body) }),
    },
  } as LookupInput;
}

function codesOf(values: EventValues<never>): Record<string, ReturnType<typeof codeOf>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, codeOf(value)]));
}
