// What a call of the API server ends in, as values.

/** What the API server answered. Only `ok` is known to have happened; after `absent` a write may have happened or not. */
export type KubeResult<T> = { readonly kind: 'ok'; readonly object: T } | KubeFailure;

export type KubeFailure =
  /** No such object, namespace or kind. */
  | { readonly kind: 'not-found'; readonly message: string }
  /** 409: it exists already, was changed meanwhile, or another manager owns a field. */
  | { readonly kind: 'conflict'; readonly reason: string; readonly message: string }
  /** The API server will not, and asking again does not help: invalid, forbidden, too large. */
  | { readonly kind: 'refused'; readonly code: number; readonly reason: string; readonly message: string }
  /** No answer, or none that counts: unreachable, timed out, 429, 5xx, not allowed to write now. Try again later. */
  | { readonly kind: 'absent'; readonly reason: string; readonly retryAfterMs: number | null };
