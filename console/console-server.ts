// The console's HTTP side: the page, and what api.ts says.
//
//   CS1. Only GET and HEAD, and one POST: what is decided about dead letters. A page may load nothing but what comes from here, and nobody may put it into theirs.
//   CS2. Who may see what is asked for each request; a stream that goes on is asked about again now and then.
//   CS3. Locally only names of this machine are served: a page of somebody else cannot reach it by a name of its own.
//   CS4. Bounded: STREAMS_MAX streams, DECISIONS_MAX decisions at once; a stream that does not read is ended, not waited for.
//   CS5. Whatever a source does, nothing but its answer fails: who serves it has more to do.
//   CS6. Who decides is asked for each request whether they may. It is JSON, which no form sends; and where a browser says which page
//        sends it, it is our own: another page, of another port too, cannot make somebody's browser decide.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BEAT_MS, type JobRef, type Live, type ShownDeadLetters } from './api.ts';
import { decideRequestIn } from './decide-letters.ts';
import type { Fresh } from './key-story.ts';
import type { Asker, ConsoleSource, Entry, JobSource } from './job-source.ts';
import type { PageFiles } from './page-files.ts';

export type ConsoleServerParts = {
  readonly source: ConsoleSource;
  readonly page: PageFiles;
  /** null: all addresses of this machine. */
  readonly host: string | null;
  readonly port: number;
  /** CS3; null: any name, whoever asks says who they are. */
  readonly hostNames: readonly string[] | null;
  /** How often a stream looks whether something changed. */
  readonly tickMs: number;
};

export type ConsoleServer = { readonly url: string; readonly port: number; close(): Promise<void> };

const STREAMS_MAX = 64;
const DECISIONS_MAX = 4;
const BODY_BYTES_MAX = 16_384;
const BUFFERED_BYTES_MAX = 8 * 1024 * 1024;
const ENTRY_AGAIN_MS = 30_000;
/** How long a story waits for what it must hold, unless asked otherwise, and at most. */
const FRESH_WAIT_MS = 10_000;
const FRESH_WAIT_MAX_MS = 60_000;
const QUERY_CHARACTERS_MAX = 4_096;
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;
const JSON_TYPE = 'application/json; charset=utf-8';

/** Resolves when it listens; rejects when the port is taken. */
export function startConsoleServer(parts: ConsoleServerParts): Promise<ConsoleServer> {
  const handler = new Handler(parts);
  const server = createServer({ maxHeaderSize: 16_384 }, (request, response) => void handler.handle(request, response));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(parts.port, ...(parts.host === null ? [] : [parts.host]), () => {
      const { port } = server.address() as AddressInfo;
      const host = parts.host === null || parts.host === '127.0.0.1' ? 'localhost' : parts.host;
      resolve({ port, url: `http://${host}:${port}/`, close: () => closed(server) });
    });
  });
}

class Handler {
  readonly #parts: ConsoleServerParts;
  #streams = 0;
  #decisions = 0;

  constructor(parts: ConsoleServerParts) {
    this.#parts = parts;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(request, response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else send(response, 500, problem(error instanceof Error ? error.message : String(error)));
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isWrite = request.method === 'POST';
    if (!isWrite && request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, problem('the console only reads')); // CS1
    if (!this.#isOurName(request.headers.host ?? '')) return send(response, 421, problem('this is not the name of the console')); // CS3
    if ((request.url ?? '').length > QUERY_CHARACTERS_MAX) return send(response, 414, problem('too long'));
    const url = new URL(request.url ?? '/', 'http://console');
    const parts = url.pathname.split('/').slice(1);
    if (isWrite && (parts.length !== 5 || parts[4] !== 'dead-letters'))
      return send(response, 405, problem('only dead letters can be decided about here')); // CS1
    if (parts[0] !== 'api') return this.#page(url.pathname, response);
    const asker = { authorization: request.headers.authorization ?? null };
    const { source } = this.#parts;
    if (parts[1] !== 'jobs') return send(response, 404, problem('there is no such thing'));
    if (parts.length === 2) return this.#jobs(asker, response);
    const ref = { namespace: decoded(parts[2]), name: decoded(parts[3]) };
    const entry = await source.entry(asker, ref.namespace);
    if (entry.kind === 'refused') return send(response, entry.status, problem(entry.message));
    const job = source.job(ref);
    if (job === null) return send(response, 404, problem(`there is no job ${ref.name} here`));
    return isWrite ? this.#decide(job, ref, asker, request, response) : this.#job(job, ref, parts[4] ?? '', url, asker, response);
  }

  /** CS6. */
  async #decide(job: JobSource, ref: JobRef, asker: Asker, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? ''))
      return send(response, 415, problem('send it as application/json'));
    if (isOfAnotherPage(request)) return send(response, 403, problem('only the console\u2019s own page may ask for this'));
    const may = await this.#parts.source.deciding(asker, ref.namespace);
    if (may.kind === 'refused') return send(response, may.status, problem(may.message));
    if (this.#decisions >= DECISIONS_MAX) return send(response, 503, problem('others are being decided about: ask again')); // CS4
    this.#decisions++;
    try {
      const asked = decideRequestIn(await jsonOf(request));
      if (typeof asked === 'string') return send(response, 400, problem(asked));
      const decided = await job.decide(asked);
      send(response, 'problem' in decided ? 409 : 200, JSON.stringify(decided));
    } finally {
      this.#decisions--;
    }
  }

  async #job(job: JobSource, ref: JobRef, what: string, url: URL, asker: Asker, response: ServerResponse): Promise<void> {
    switch (what) {
      case '':
        return send(response, 200, JSON.stringify(await job.declared()));
      case 'live':
        return send(response, 200, JSON.stringify(job.live()));
      case 'story':
        return send(
          response,
          200,
          JSON.stringify(await job.story(url.searchParams.get('node') ?? '', url.searchParams.get('key') ?? '', freshOf(url.searchParams))),
        );
      case 'dead-letters':
        return this.#deadLetters(job, ref, asker, response);
      case 'stream':
        return this.#stream(job, () => this.#parts.source.entry(asker, ref.namespace), response);
      default:
        return send(response, 404, problem('there is no such thing'));
    }
  }

  async #deadLetters(job: JobSource, { namespace }: JobRef, asker: Asker, response: ServerResponse): Promise<void> {
    const [letters, may] = await Promise.all([job.deadLetters(), this.#parts.source.deciding(asker, namespace)]);
    const shown: ShownDeadLetters = { ...letters, readOnly: may.kind === 'refused' ? may.message : null };
    send(response, 200, JSON.stringify(shown));
  }

  /** Who sees none of those that there are is told why. */
  async #jobs(asker: Asker, response: ServerResponse): Promise<void> {
    const { source } = this.#parts;
    const known = await source.entry(asker, null);
    if (known.kind === 'refused') return send(response, known.status, problem(known.message));
    const all = source.jobs();
    const namespaces = [...new Set(all.map(({ namespace }) => namespace))];
    const entries = new Map(
      await Promise.all(namespaces.map(async (namespace) => [namespace, await source.entry(asker, namespace)] as const)),
    );
    const seen = all.filter(({ namespace }) => entries.get(namespace)?.kind === 'allowed');
    const refused = [...entries.values()].find((entry) => entry.kind === 'refused');
    if (seen.length > 0 || refused === undefined) return send(response, 200, JSON.stringify(seen));
    // No name of a namespace: that it has jobs is not theirs to know.
    const nowhere = `${known.who ?? 'you'} may not get streamjobs in any namespace that has one`;
    send(response, refused.status, problem(refused.status === 403 ? nowhere : refused.message));
  }

  #stream(job: JobSource, entry: () => Promise<Entry>, response: ServerResponse): void {
    if (this.#streams >= STREAMS_MAX) return send(response, 503, problem('too many look at the console at once')); // CS4
    this.#streams++;
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' });
    let last = '';
    let quietMs = 0;
    let askedMs = 0;
    const tell = (): void => {
      const live = job.live();
      const told = live === null ? '' : unchanging(live);
      quietMs += this.#parts.tickMs;
      askedMs += this.#parts.tickMs;
      if (live !== null && (told !== last || quietMs >= BEAT_MS)) {
        last = told;
        quietMs = 0;
        response.write(`data: ${JSON.stringify(live)}\n\n`);
      } else if (quietMs >= BEAT_MS) {
        quietMs = 0;
        response.write(':\n\n');
      }
      if (response.writableLength > BUFFERED_BYTES_MAX) response.destroy(); // CS4
      if (askedMs < ENTRY_AGAIN_MS) return;
      askedMs = 0;
      void entry().then((now) => now.kind === 'refused' && response.destroy()); // CS2
    };
    const look = (): void => {
      try {
        tell();
      } catch {
        response.destroy(); // CS5: who looks asks again, and is told
      }
    };
    const timer = setInterval(look, this.#parts.tickMs);
    response.once('close', () => {
      clearInterval(timer);
      this.#streams--;
    });
    look();
  }

  #page(path: string, response: ServerResponse): void {
    const file = this.#parts.page.get(path === '/' ? '/index.html' : path);
    if (file === undefined) return send(response, 404, problem('there is no such page'));
    send(response, 200, file.text, file.type);
  }

  #isOurName(host: string): boolean {
    const { hostNames } = this.#parts;
    return hostNames === null || hostNames.includes(host.replace(/:\d+$/, ''));
  }
}

/** What of a moment is not only its clock. */
function unchanging({ atMs: _at, elapsedMs: _elapsed, workers, ...rest }: Live): string {
  return JSON.stringify([rest, workers.map(({ id, tasks }) => [id, tasks])]);
}

function send(response: ServerResponse, status: number, body: string, type: string = JSON_TYPE): void {
  response.writeHead(status, { ...HEADERS, 'content-type': type }).end(body);
}

function problem(message: string): string {
  return JSON.stringify({ problem: message });
}

function isOfAnotherPage({ headers }: IncomingMessage): boolean {
  const { origin, host = '' } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site !== 'same-origin'; // a proxy may have given us another name than the browser knows
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host);
}

/** undefined: no JSON, or too much of it. */
async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function decoded(part: string | undefined): string {
  try {
    return decodeURIComponent(part ?? '');
  } catch {
    return '';
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** What `subject=…&sequence=…` asks for, with `waitMs` of at most FRESH_WAIT_MAX_MS; null: nothing, or no whole number. */
function freshOf(parameters: URLSearchParams): Fresh | null {
  const [subject, sequence] = [parameters.get('subject'), Number(parameters.get('sequence') ?? NaN)];
  if (subject === null || !Number.isSafeInteger(sequence)) return null;
  const waitMs = Number(parameters.get('waitMs') ?? FRESH_WAIT_MS);
  return { subject, sequence, waitMs: waitMs > 0 ? Math.min(waitMs, FRESH_WAIT_MAX_MS) : FRESH_WAIT_MS };
}
