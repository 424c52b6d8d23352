// What an HTTP answer of the API server means to a caller. Pure.
//
//   A1. `ok` is said only of what the server confirmed.
//   A2. Whatever may be otherwise in a moment is `absent`; whatever a person must mend is `refused`.

import type { KubeFailure, KubeResult } from './kube-result.ts';

/** The part of a Status object that is read. */
type Status = {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
};

export type Answered =
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfterMs: number | null; readonly text: string }
  | { readonly kind: 'silence'; readonly reason: string };

/** The result of a call; `ok` holds the parsed body, which the caller knows the form of. */
export function resultOf(answer: Answered): KubeResult<unknown> {
  if (answer.kind === 'silence') return { kind: 'absent', reason: answer.reason, retryAfterMs: null };
  const body = parsed(answer.text);
  if (answer.status >= 200 && answer.status < 300) return confirmed(body);
  return failureOf(answer.status, statusOf(body, answer), answer.retryAfterMs);
}

/** What a failure's code, and the Status that came with it, mean. Also for errors inside a watch. */
export function failureOf(code: number, { reason = '', message = '', details }: Status, retryAfterMs: number | null): KubeFailure {
  if (code === 404) return { kind: 'not-found', message };
  if (code === 409) return { kind: 'conflict', reason, message };
  if (code === 429 || code >= 500) {
    const askedMs = details?.retryAfterSeconds === undefined ? retryAfterMs : details.retryAfterSeconds * 1_000;
    return { kind: 'absent', reason: `${code} ${reason}: ${message}`, retryAfterMs: askedMs };
  }
  return { kind: 'refused', code, reason, message };
}

/** One sentence about a failure. */
export function failureText(failure: KubeFailure): string {
  switch (failure.kind) {
    case 'not-found':
      return failure.message;
    case 'conflict':
      return `conflict (${failure.reason}): ${failure.message}`;
    case 'refused':
      return `refused (${failure.code} ${failure.reason}): ${failure.message}`;
    case 'absent':
      return `the API server does not answer: ${failure.reason}`;
  }
}

/** A1. A proxy that answers 200 with a page of its own has confirmed nothing. */
function confirmed(body: unknown): KubeResult<unknown> {
  if (typeof body === 'object' && body !== null) return { kind: 'ok', object: body };
  return { kind: 'absent', reason: 'the answer is not JSON', retryAfterMs: null };
}

function statusOf(body: unknown, { text, status }: { readonly text: string; readonly status: number }): Status {
  if (typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status') return body as Status;
  return { reason: String(status), message: text.slice(0, 500) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
