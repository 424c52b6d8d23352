// One request to a test's API server, and what it answers. For many small ones: kubectl takes longer to start than they last.
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { IncomingMessage } from 'node:http';
import type { ApiServer } from './api-server.ts';

export type ApiAnswer = { readonly status: number; readonly body: unknown };
export type ApiCall = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
};

/** As the administrator. Resolves with any answer, also one that refuses. */
export async function callApi(server: ApiServer, { method, path, body, contentType }: ApiCall): Promise<ApiAnswer> {
  const sent = request(new URL(path, server.url), {
    method,
    ca: await readFile(server.caPath),
    headers: { authorization: `Bearer ${server.adminToken}`, 'content-type': contentType ?? 'application/json' },
  });
  // It may refuse and hang up before it has read a large body.
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = await answered;
  const content = await text(response);
  const isJson = response.headers['content-type']?.startsWith('application/json') === true;
  return { status: response.statusCode ?? 0, body: isJson ? (JSON.parse(content) as unknown) : { message: content } };
}

/** The message of an answer that refuses; null for one that does not. */
export function refusalOf({ status, body }: ApiAnswer): string | null {
  return status < 400 ? null : String((body as { message?: unknown }).message);
}
