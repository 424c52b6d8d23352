// What Jaeger's query API says of traces, as plain data.

import { setTimeout as sleep } from 'node:timers/promises';

export type JaegerSpan = {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  /** CHILD_OF; null: none. */
  readonly parent: string | null;
  /** FOLLOWS_FROM: links. */
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly tags: Readonly<Record<string, unknown>>;
  readonly logs: readonly Readonly<Record<string, unknown>>[];
  readonly startUs: number;
  readonly durationUs: number;
};
export type JaegerTrace = { readonly traceId: string; readonly spans: readonly JaegerSpan[] };

const SETTLED_MAX_MS = 90_000;
const LOOK_MS = 500;
/** So many in a row find nothing new. */
const LOOKS = 3;

type Field = { readonly key: string; readonly value: unknown };
type Answer = {
  readonly data:
    | readonly {
        readonly traceID: string;
        readonly spans: readonly {
          readonly spanID: string;
          readonly operationName: string;
          readonly processID: string;
          readonly startTime: number;
          readonly duration: number;
          readonly references: readonly { readonly refType: string; readonly traceID: string; readonly spanID: string }[];
          readonly tags: readonly Field[];
          readonly logs: readonly { readonly fields: readonly Field[] }[];
        }[];
        readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
      }[]
    | null;
};

/** Each span's parent is there. */
export function isWhole({ spans }: JaegerTrace): boolean {
  const ids = new Set<string | null>([null, ...spans.map(({ id }) => id)]);
  return spans.every(({ parent }) => ids.has(parent));
}

export class JaegerQuery {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async isReady(): Promise<boolean> {
    return fetch(`${this.#url}/api/services`).then(
      (answer) => answer.ok,
      () => false,
    );
  }

  async services(): Promise<readonly string[]> {
    const { data } = (await this.#get('/api/services')) as { readonly data: readonly string[] | null };
    return data ?? [];
  }

  /** Null: there is none. */
  async trace(traceId: string): Promise<JaegerTrace | null> {
    const answer = await fetch(`${this.#url}/api/traces/${traceId}`);
    if (answer.status === 404) return null;
    return tracesOf((await answer.json()) as Answer)[0] ?? null;
  }

  /** Traces with a span of that service, of the last hour. */
  async traces(service: string, limit: number): Promise<readonly JaegerTrace[]> {
    return tracesOf((await this.#get(`/api/traces?service=${encodeURIComponent(service)}&lookback=1h&limit=${limit}`)) as Answer);
  }

  /** The same once nothing is added to them any more: Jaeger shows what it was sent a little later. `isDone`: more comes yet while it is not so. */
  async settledTraces(
    service: string,
    limit: number,
    isDone: (traces: readonly JaegerTrace[]) => boolean = () => true,
  ): Promise<readonly JaegerTrace[]> {
    let [last, looks] = [-1, 0];
    for (const endMs = performance.now() + SETTLED_MAX_MS; ; await sleep(LOOK_MS)) {
      const traces = await this.traces(service, limit);
      const count = traces.reduce((sum, { spans }) => sum + spans.length, 0);
      looks = count === last ? looks + 1 : 0;
      last = count;
      if ((count > 0 && looks >= LOOKS && isDone(traces)) || performance.now() > endMs) return traces;
    }
  }

  async #get(path: string): Promise<unknown> {
    const answer = await fetch(`${this.#url}${path}`);
    if (!answer.ok) throw new Error(`Jaeger answers ${path} with ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }
}

function tracesOf({ data }: Answer): JaegerTrace[] {
  return (data ?? []).map(({ traceID, spans, processes }) => ({
    traceId: traceID,
    spans: spans.map(({ spanID, operationName, processID, references, tags, logs, startTime, duration }) => ({
      id: spanID,
      name: operationName,
      service: processes[processID]?.serviceName ?? '',
      parent: references.find(({ refType }) => refType === 'CHILD_OF')?.spanID ?? null,
      links: references.flatMap((one) => (one.refType === 'CHILD_OF' ? [] : [{ traceId: one.traceID, spanId: one.spanID }])),
      tags: plain(tags),
      logs: logs.map(({ fields }) => plain(fields)),
      startUs: startTime,
      durationUs: duration,
    })),
  }));
}

function plain(fields: readonly Field[]): Record<string, unknown> {
  return Object.fromEntries(fields.map(({ key, value }) => [key, value]));
}
