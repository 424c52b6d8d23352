// HTTP to the API server: one request and its answer, or one answer that goes on, line by line.
//
// Client-node says who we are; the requests are our own, because its watch is cut by a fixed 30 s, sends no bookmarks and swallows
// errors, and its agents keep no connection.
//   T1. A request always ends: with an answer, or as `silence` at its deadline, its abort, or the end of its connection. Never rejected.
//   T2. A connection that failed takes the idle ones with it: behind a load balancer that is gone they would fail one by one.
//   T3. Watches have connections of their own, so they never make calls wait.
//   T4. A read that met a connection which the server had just closed is sent once more; a write never is.
//   T5. A peer that vanished without a goodbye is noticed within half a minute, also on a watch that is quiet.

import { Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Credentials, KubeConnection } from './kube-config.ts';
import { ANSWER_BYTES_MAX, CONNECTIONS_MAX, CREDENTIALS_MS, TCP_KEEPALIVE_MS } from './kube-limits.ts';
import { linesOf } from './watch-lines.ts';

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type HttpRequest = {
  readonly method: HttpMethod;
  /** From the root of the server, escaped. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
};

export type HttpAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfterMs: number | null; readonly text: string }
  /** `reason` is for people. The request may have been carried out or not. */
  | { readonly kind: 'silence'; readonly reason: string; readonly isStale: boolean };

/** Lines as they come; the iteration ends with the stream and throws when it is cut or silent for longer than allowed. */
export type LineStream = { readonly kind: 'lines'; readonly lines: AsyncIterable<string> };

export type OnDate = (date: string | undefined, roundTripMs: number) => void;

type Agents = { readonly calls: HttpAgent; readonly watches: HttpAgent };
type Ready = { readonly headers: Readonly<Record<string, string>>; readonly agents: Agents; readonly tls: string; readonly readMs: number };

export class KubeTransport {
  readonly #connection: KubeConnection;
  #ready: Ready | null = null;
  #reading: Promise<Ready> | null = null;
  readonly #onDate: OnDate;

  /** `onDate`: told of each answer when the server gave it, and how long it took. */
  constructor(connection: KubeConnection, onDate: OnDate = () => undefined) {
    this.#connection = connection;
    this.#onDate = onDate;
  }

  /** One request and its whole answer. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    const first = await this.#send(request);
    // T4. The server closed an idle connection just as it was used.
    return first.kind === 'silence' && first.isStale && request.method === 'GET' ? this.#send(request) : first;
  }

  /** One request whose answer goes on. `silenceMs` without a byte ends it; so does `signal`. */
  async stream(request: HttpRequest, silenceMs: number): Promise<LineStream | HttpAnswer> {
    const deadline = deadlineOf(request);
    try {
      const ready = await this.#prepare();
      const response = await this.#open(request, ready.agents.watches, ready.headers, deadline.signal);
      if (response.statusCode === 200) return { kind: 'lines', lines: linesOf(response, silenceMs) };
      return await answerOf(response);
    } catch (error) {
      return silence(error, deadline.isOver(), request);
    } finally {
      deadline.cancel();
    }
  }

  /** Ends all connections; requests that run end as silence. */
  close(): void {
    this.#ready?.agents.calls.destroy();
    this.#ready?.agents.watches.destroy();
    this.#ready = null;
  }

  async #send(request: HttpRequest): Promise<HttpAnswer> {
    const deadline = deadlineOf(request);
    try {
      const ready = await this.#prepare();
      return await answerOf(await this.#open(request, ready.agents.calls, ready.headers, deadline.signal));
    } catch (error) {
      this.#dropIdle();
      return silence(error, deadline.isOver(), request);
    } finally {
      deadline.cancel();
    }
  }

  #open(request: HttpRequest, agent: HttpAgent, headers: Ready['headers'], signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(this.#connection.server + request.path);
    for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value);
    const options: RequestOptions = { method: request.method, agent, signal, headers: { ...headers, ...bodyHeaders(request) } };
    const sentMs = performance.now();
    return new Promise<IncomingMessage>((resolve, reject) => {
      const sent = (url.protocol === 'http:' ? httpRequest : httpsRequest)(url, options, (response) => {
        this.#onDate(response.headers.date, performance.now() - sentMs);
        resolve(response);
      });
      sent.on('socket', (socket) => socket.setKeepAlive(true, TCP_KEEPALIVE_MS)); // T5
      sent.on('error', (error) => reject(sent.reusedSocket ? new StaleConnection(error) : error));
      sent.end(request.body);
    });
  }

  /** Headers and agents as they are now. Requests that come while they are read share one reading. */
  #prepare(): Promise<Ready> {
    if (this.#ready !== null && performance.now() - this.#ready.readMs < CREDENTIALS_MS) return Promise.resolve(this.#ready);
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #read(): Promise<Ready> {
    const { headers, ...tls } = await this.#connection.credentials();
    const text = JSON.stringify(tls, (key, value: unknown) => (key === 'agent' ? undefined : value));
    const before = this.#ready;
    // Those of old certificates finish what they do, and are then closed by their own time limit.
    const agents = before !== null && before.tls === text ? before.agents : agentsOf(this.#connection.server, tls);
    this.#ready = { headers, agents, tls: text, readMs: performance.now() };
    return this.#ready;
  }

  /** T2. */
  #dropIdle(): void {
    for (const sockets of Object.values(this.#ready?.agents.calls.freeSockets ?? {})) for (const socket of sockets ?? []) socket.destroy();
  }
}

function agentsOf(server: string, { agent, ...tls }: Omit<Credentials, 'headers'>): Agents {
  if (agent instanceof HttpAgent) return { calls: agent, watches: agent };
  const Agent = server.startsWith('http:') ? HttpAgent : HttpsAgent;
  return {
    calls: new Agent({
      ...tls,
      keepAlive: true,
      keepAliveMsecs: TCP_KEEPALIVE_MS,
      maxSockets: CONNECTIONS_MAX,
      scheduling: 'lifo',
      timeout: 90_000,
    }),
    watches: new Agent({ ...tls, keepAlive: false }),
  };
}

function bodyHeaders({ body, contentType }: HttpRequest): Record<string, string | number> {
  const common = { Accept: 'application/json', 'User-Agent': 'millrace-operator' };
  if (body === undefined) return common;
  return { ...common, 'Content-Type': contentType ?? 'application/json', 'Content-Length': Buffer.byteLength(body) };
}

async function answerOf(response: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer has more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  const retryAfterS = Number(response.headers['retry-after']);
  return {
    kind: 'answer',
    status: response.statusCode ?? 0,
    retryAfterMs: Number.isFinite(retryAfterS) ? retryAfterS * 1_000 : null,
    text: Buffer.concat(chunks).toString('utf8'),
  };
}

/** An error of a connection that had been idle: the server may have closed it before the request came. */
class StaleConnection extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

type Deadline = { readonly signal: AbortSignal; readonly isOver: () => boolean; readonly cancel: () => void };

/** T1. A signal that aborts at the request's deadline, and when the caller gives up. */
function deadlineOf({ timeoutMs, signal }: HttpRequest): Deadline {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  return {
    signal: signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]),
    isOver: () => late.signal.aborted,
    cancel: () => clearTimeout(timer),
  };
}

function silence(error: unknown, isLate: boolean, request: HttpRequest): HttpAnswer {
  return { kind: 'silence', reason: silenceReason(error, isLate, request), isStale: error instanceof StaleConnection };
}

function silenceReason(error: unknown, isLate: boolean, request: HttpRequest): string {
  if (request.signal?.aborted === true) return 'the call was given up';
  if (isLate) return `no answer within ${request.timeoutMs} ms`;
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  return error.message === '' && code !== undefined ? code : error.message;
}
