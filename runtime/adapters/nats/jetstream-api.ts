// The JetStream API as requests and answers: JSON both ways, errors by their numbers.
//
// Only what journals and blobs need. Nothing is retried here but what cannot have happened (no connection, no leader).

import { MillraceError } from '../../base/errors.ts';
import type { Link } from './link.ts';

/** Numbers that something here reacts to (nats-server/server/errors.json). */
export const API_ERROR = {
  notEnoughStorage: 10047,
  streamNotCreated: 10049,
  streamNotFound: 10059,
  wrongSequence: 10071,
  messageNotFound: 10037,
  consumerNotFound: 10014,
  storeFailed: 10077,
  writeInFlight: 10164,
} as const;

export type ApiError = { readonly code: number; readonly err_code: number; readonly description: string };

export type ApiAnswer<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'error'; readonly error: ApiError }
  /** No answer: no connection, no leader, or not in time. */
  | { readonly kind: 'absent'; readonly reason: string };

export type StreamConfig = {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly retention: string;
  readonly storage: string;
  readonly discard: string;
  readonly max_bytes: number;
  readonly max_age: number;
  readonly max_msgs: number;
  readonly max_msgs_per_subject: number;
  readonly max_msg_size: number;
  readonly num_replicas: number;
  readonly deny_delete: boolean;
  readonly deny_purge: boolean;
  readonly allow_direct: boolean;
  readonly allow_rollup_hdrs: boolean;
};

export type StreamInfo = {
  readonly config: StreamConfig & {
    readonly mirror?: unknown;
    readonly sources?: unknown;
    readonly allow_msg_ttl?: boolean;
    readonly persist_mode?: string;
  };
  readonly state: { readonly bytes: number; readonly messages: number; readonly first_seq: number; readonly last_seq: number };
};

/** `message.data` is base64, absent when empty. */
export type StoredMessage = {
  readonly message: { readonly subject: string; readonly seq: number; readonly data?: string; readonly time: string };
};

export type PublishAck = { readonly stream: string; readonly seq: number };

const API_TIMEOUT_MS = 5_000;

/** One API call: `STREAM.INFO.name`. */
export async function callApi<T>(link: Link, call: string, body: object | null = null, timeoutMs = API_TIMEOUT_MS): Promise<ApiAnswer<T>> {
  const reply = await link.request(`$JS.API.${call}`, body === null ? '' : JSON.stringify(body), { timeoutMs });
  switch (reply.kind) {
    case 'message':
      return parseAnswer<T>(reply.data);
    case 'nobody':
      return { kind: 'absent', reason: 'JetStream does not answer (no responders)' };
    case 'down':
    case 'lost':
      return { kind: 'absent', reason: reply.reason };
  }
}

/** An answer's value or its error. `T` is the server's word: only fields that are used are named in it. */
export function parseAnswer<T>(data: Uint8Array): ApiAnswer<T> {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
  let value: T & { readonly error?: ApiError };
  try {
    value = JSON.parse(text) as T & { readonly error?: ApiError };
  } catch {
    return { kind: 'absent', reason: `an answer that is no JSON: ${text.slice(0, 100)}` };
  }
  const error = value.error;
  if (error === undefined) return { kind: 'ok', value };
  // Both mean that no leader is there to decide; the same call may succeed in a moment.
  if (error.code === 503 && error.err_code !== API_ERROR.storeFailed)
    return { kind: 'absent', reason: `${error.description} (${error.err_code})` };
  return { kind: 'error', error };
}

/** MR1012: what the server refused for good, asked of a stream or subject. */
export function refused(of: string, error: ApiError): MillraceError {
  return new MillraceError('MR1012', { of, problem: `${error.description} (${error.err_code})` });
}
