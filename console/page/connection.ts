// The page's way to the server: requests with who asks, and a stream that comes back by itself.
//
//   C1. A stream that said nothing for SILENT_MS is taken for dead, whatever the socket believes.
//   C2. What was shown stays while the server is away: the page says since when.
//   C3. A token is kept in this page's memory alone: no other page, program or file gets it, and it is sent in a header only, so no
//       other page can use it either. Who is refused is asked again only when they say so.
//   C4. What comes is looked at before it is believed: a proxy, or a server of another version, may say anything.

import { useEffect, useRef, useState } from 'react';
import { BEAT_MS, type Declared, type JobRef, type Live } from '../api.ts';
import { isDeclared, isLive } from './answer-check.ts';

const SILENT_MS = 4 * BEAT_MS;
const AGAIN_MIN_MS = 300;
const AGAIN_MAX_MS = 3_000;

export type Connection = { readonly kind: 'connecting' } | { readonly kind: 'live' } | { readonly kind: 'lost'; readonly sinceMs: number };

export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  /** It needs another token, or more rights. */
  get isOfPerson(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

let token: string | null = null; // C3

export function setToken(next: string): void {
  token = next;
}

function headers(): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

/** Rejects with Refused, also when what comes is not what `isOne` knows (C4). */
export async function getJson<T>(path: string, isOne: (value: unknown) => value is T, signal: AbortSignal): Promise<T> {
  const value = await answerOf<unknown>(await fetch(path, { headers: headers(), signal }));
  if (!isOne(value)) throw notUnderstood(path);
  return value;
}

function notUnderstood(path: string): Refused {
  return new Refused(200, `What ${path} answers is not understood: is the page older than its server? Loaded anew it may be`);
}

export async function postJson<T>(path: string, body: unknown): Promise<T> {
  return answerOf<T>(
    await fetch(path, { method: 'POST', headers: { ...headers(), 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  );
}

/** What is no JSON is somebody's between the page and the console, such as a proxy. */
async function answerOf<T>(response: Response): Promise<T> {
  const text = await response.text();
  let body: (T & { readonly problem?: string }) | null = null;
  try {
    body = JSON.parse(text) as T & { readonly problem?: string };
  } catch {
    throw new Refused(response.status, `What answers is no console: status ${response.status}, ${text.length} characters that are no JSON`);
  }
  if (!response.ok) throw new Refused(response.status, typeof body?.problem === 'string' ? body.problem : response.statusText);
  return body;
}

export function jobPath({ namespace, name }: JobRef): string {
  return `/api/jobs/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
}

export type Watched = {
  readonly declared: Declared | null;
  readonly live: Live | null;
  readonly connection: Connection;
  /** Why nothing is shown: who asks is not known, may not, or there is no job. */
  readonly refused: Refused | null;
};

const NOTHING: Watched = { declared: null, live: null, connection: { kind: 'connecting' }, refused: null };

/** Follows one job; `null`: none is chosen. `attempt` changes: it begins anew at once. */
export function useJob(ref: JobRef | null, attempt: number): Watched {
  const [watched, setWatched] = useState<Watched>(NOTHING);
  const path = ref === null ? null : jobPath(ref);
  const declaredId = useRef<string | null>(null);
  useEffect(() => {
    setWatched(NOTHING);
    declaredId.current = null;
    if (path === null) return;
    const stop = new AbortController();
    const onLive = async (live: Live): Promise<void> => {
      if (live.declaredId !== declaredId.current) {
        const declared = await getJson(path, isDeclared, stop.signal);
        declaredId.current = declared.id;
        setWatched((before) => ({ ...before, declared }));
      }
      setWatched((before) => ({ ...before, live, connection: { kind: 'live' }, refused: null }));
    };
    void follow(path, onLive, (refused) => setWatched((before) => lost(before, refused)), stop.signal);
    return () => stop.abort();
  }, [path, attempt]);
  return watched;
}

function lost(before: Watched, refused: Refused | null): Watched {
  const connection: Connection = before.connection.kind === 'lost' ? before.connection : { kind: 'lost', sinceMs: Date.now() };
  return { ...before, connection, refused };
}

async function follow(
  path: string,
  onLive: (live: Live) => Promise<void>,
  onLost: (refused: Refused | null) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let againMs = AGAIN_MIN_MS; !signal.aborted; againMs = Math.min(AGAIN_MAX_MS, againMs * 2)) {
    try {
      await stream(`${path}/stream`, signal, async (live) => {
        againMs = AGAIN_MIN_MS;
        await onLive(live);
      });
      if (!signal.aborted) onLost(null);
    } catch (error) {
      if (!signal.aborted) onLost(error instanceof Refused ? error : null);
      if (error instanceof Refused && error.isOfPerson) return; // C3
    }
    await new Promise((resolve) => setTimeout(resolve, againMs));
  }
}

/** Server-sent events by fetch: an EventSource cannot say who asks. */
async function stream(path: string, signal: AbortSignal, onLive: (live: Live) => Promise<void>): Promise<void> {
  const end = new AbortController();
  const stop = (): void => end.abort();
  signal.addEventListener('abort', stop);
  let silence = setTimeout(stop, SILENT_MS);
  try {
    const response = await fetch(path, { headers: headers(), signal: end.signal });
    if (!response.ok || response.body === null) return void (await answerOf(response));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let text = ''; ;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(silence);
      silence = setTimeout(stop, SILENT_MS); // C1
      text += value;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      const last = events.findLast((event) => event.startsWith('data: '));
      if (last !== undefined) await onLive(liveIn(last.slice(6), path));
    }
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', stop);
  }
}

/** C4. */
function liveIn(text: string, path: string): Live {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw notUnderstood(path);
  }
  if (!isLive(value)) throw notUnderstood(path);
  return value;
}

type Polled<T> = { readonly value: T | null; readonly problem: string | null };

/** Asks again every `everyMs` while somebody looks; null until the first answer. */
export function usePolled<T>(path: string | null, isOne: (value: unknown) => value is T, everyMs: number): Polled<T> {
  const [state, setState] = useState<{ value: T | null; problem: string | null }>({ value: null, problem: null });
  useEffect(() => {
    setState({ value: null, problem: null });
    if (path === null) return;
    const stop = new AbortController();
    const loop = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        try {
          const value = await getJson(path, isOne, stop.signal);
          setState({ value, problem: null });
        } catch (error) {
          if (!stop.signal.aborted) setState((before) => ({ ...before, problem: error instanceof Error ? error.message : String(error) }));
        }
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
    };
    void loop();
    return () => stop.abort();
  }, [path, isOne, everyMs]);
  return state;
}
