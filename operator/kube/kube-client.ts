// Calls of the API server, one method a verb, with answers as values.
//
//   K1. A call never rejects for what the world does; a rejected promise is a bug of ours.
//   K2. Every call ends: it has a deadline, and for writes the server keeps it too.
//   K3. Writes go through `beforeWrite`, and none is sent when `mayWrite` says no.
//   K4. Nothing is read, changed and written back: writes are applies, or carry the resourceVersion or uid they are meant for.

import { assert } from '../../runtime/base/assert.ts';
import { type Call, CallMeter } from './call-meter.ts';
import { resultOf } from './kube-answer.ts';
import { LIST_PAGE_OBJECTS, LIST_TIMEOUT_MS, READ_TIMEOUT_MS, WATCH_START_TIMEOUT_MS, WRITE_TIMEOUT_MS } from './kube-limits.ts';
import type { AnyObject, AppliedObject, KubeObject } from './kube-object.ts';
import type { KubeResult } from './kube-result.ts';
import type { HttpAnswer, HttpMethod, HttpRequest, KubeTransport, LineStream } from './kube-transport.ts';
import { pathOf, type Resource } from './resource.ts';

export const FIELD_MANAGER = 'millrace-operator';

export type KubeList<T> = { readonly items: readonly T[]; readonly resourceVersion: string };

export type Named = { readonly namespace: string | null; readonly name: string };

export type Selection = { readonly namespace: string | null; readonly labelSelector?: string; readonly fieldSelector?: string };

export type WriteVerb = 'create' | 'apply' | 'replace' | 'patch' | 'delete' | 'raw';

/** A write that is about to be sent. */
export type Write = {
  /** `apply deployments`, `apply streamjobs/status`, `patch streamjobs`, `delete pods`. */
  readonly name: string;
  readonly verb: WriteVerb;
  /** `streamjobs/status`; the path for `raw`. */
  readonly resource: string;
  readonly namespace: string | null;
  readonly objectName: string | null;
};

export type KubeClientOptions = {
  readonly transport: KubeTransport;
  /** Asked before each write; false: it is not sent and ends as `absent`. For a process that leads, or no longer does. */
  readonly mayWrite?: () => boolean;
  /** Called before each write: the place where a test lets the process die. */
  readonly beforeWrite?: (write: Write) => void | Promise<void>;
  /** Told of each call when it has ended. */
  readonly onCall?: (call: Call) => void;
};

export type ApplyOptions = {
  /** Take fields over from other managers. Default true: what the operator applies, it owns. */
  readonly force?: boolean;
  readonly fieldManager?: string;
};

export type DeleteOptions = {
  /** Only if it is still this one. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
  readonly graceSeconds?: number;
};

export type RawRequest = {
  readonly method: HttpMethod;
  /** From the root of the server: `/version`, `/apis/…`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly body?: unknown;
};

export type WatchRequest = {
  readonly query: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Without a byte for this long, the stream ends as if cut. */
  readonly silenceMs: number;
};

type PagesRequest = { readonly selection: Selection; readonly limit: number | null; readonly signal: AbortSignal | undefined };

type WriteRequest = {
  readonly verb: WriteVerb;
  readonly resource: Resource<KubeObject>;
  readonly named: Named & { readonly subresource?: string | undefined };
  readonly method: HttpMethod;
  readonly query?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly body: unknown;
};

export class KubeClient {
  readonly #options: KubeClientOptions;
  readonly #meter: CallMeter;

  constructor(options: KubeClientOptions) {
    this.#options = options;
    this.#meter = new CallMeter(options.onCall);
  }

  get<T extends KubeObject = AnyObject>(resource: Resource<T>, named: Named): Promise<KubeResult<T>> {
    return this.#read('get', resource.plural, { method: 'GET', path: pathOf(resource, named), timeoutMs: READ_TIMEOUT_MS });
  }

  /** All objects of a selection as they were at one moment, read page by page. */
  async list<T extends KubeObject = AnyObject>(
    resource: Resource<T>,
    selection: Selection,
    signal?: AbortSignal,
  ): Promise<KubeResult<KubeList<T>>> {
    const paged = await this.#pages(resource, { selection, limit: LIST_PAGE_OBJECTS, signal });
    // The server forgets a moment after some minutes: who reads pages for longer gets all in one.
    return paged.kind === 'refused' && paged.code === 410 ? this.#pages(resource, { selection, limit: null, signal }) : paged;
  }

  /** Writes what is not there yet; `conflict` with reason `AlreadyExists` when it is. */
  create<T extends KubeObject = AnyObject>(resource: Resource<T>, object: AppliedObject): Promise<KubeResult<T>> {
    return this.#write({ verb: 'create', resource, named: namedOf(object), method: 'POST', query: MANAGED, body: object });
  }

  /**
   * Server-side apply: creates or changes the fields named, removes those that we named before and no longer do. With a
   * `metadata.uid` it is meant for that object only: `conflict` when there is none, `refused` (422) when it is another.
   */
  apply<T extends KubeObject = AnyObject>(
    resource: Resource<T>,
    object: AppliedObject,
    options: ApplyOptions = {},
  ): Promise<KubeResult<T>> {
    return this.#apply(resource, { ...namedOf(object), subresource: undefined }, object, options);
  }

  /** Server-side apply of the status alone. Never creates. With a `metadata.uid` that is another, `refused` (422). */
  applyStatus<T extends KubeObject = AnyObject>(
    resource: Resource<T>,
    object: AppliedObject,
    options: ApplyOptions = {},
  ): Promise<KubeResult<T>> {
    return this.#apply(resource, { ...namedOf(object), subresource: 'status' }, object, options);
  }

  /** Writes a whole object if it is still the one that was read, else `conflict`. */
  replace<T extends KubeObject = AnyObject>(resource: Resource<T>, object: T): Promise<KubeResult<T>> {
    assert(object.metadata.resourceVersion !== '', 'K4: a replace needs the resourceVersion that was read');
    return this.#write({ verb: 'replace', resource, named: namedOf(object), method: 'PUT', query: MANAGED, body: object });
  }

  /** Sets the finalizers if the object is still the one that was read, else `conflict`. A merge patch: JSON patch would say 422. */
  setFinalizers<T extends KubeObject = AnyObject>(resource: Resource<T>, object: T, finalizers: readonly string[]): Promise<KubeResult<T>> {
    const { resourceVersion, uid } = object.metadata;
    return this.mergePatch(resource, namedOf(object), { metadata: { resourceVersion, uid, finalizers } });
  }

  /** JSON merge patch, for what is not ours to apply. Put `metadata.resourceVersion` into it when it depends on what was read. */
  mergePatch<T extends KubeObject = AnyObject>(
    resource: Resource<T>,
    named: WriteRequest['named'],
    patch: unknown,
  ): Promise<KubeResult<T>> {
    return this.#write({ verb: 'patch', resource, named, method: 'PATCH', contentType: MERGE_PATCH, query: MANAGED, body: patch });
  }

  /** `ok` may also mean that it goes on being deleted. `conflict` when uid or resourceVersion are others. */
  delete(resource: Resource<KubeObject>, named: Named, options: DeleteOptions = {}): Promise<KubeResult<KubeObject>> {
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: options.propagation ?? 'Background',
      preconditions: { uid: options.uid, resourceVersion: options.resourceVersion },
      gracePeriodSeconds: options.graceSeconds,
    };
    return this.#write({ verb: 'delete', resource, named, method: 'DELETE', body });
  }

  /** What has no method here. Anything but GET counts as a write. */
  raw(request: RawRequest): Promise<KubeResult<unknown>> {
    const { body, ...http } = request;
    if (request.method === 'GET') return this.#read('raw', request.path, { ...http, timeoutMs: READ_TIMEOUT_MS });
    return this.#send(
      { verb: 'raw', resource: request.path, name: `raw ${request.path}`, namespace: null, objectName: null },
      { ...http, ...bodyOf(body) },
    );
  }

  /** The events of a selection from the query's `resourceVersion` on, a line each. For the reflector. */
  async watch(resource: Resource<KubeObject>, namespace: string | null, request: WatchRequest): Promise<LineStream | HttpAnswer> {
    const { silenceMs, ...rest } = request;
    const startMs = performance.now();
    const http = { ...rest, method: 'GET', path: pathOf(resource, { namespace }), timeoutMs: WATCH_START_TIMEOUT_MS } as const;
    const stream = await this.#options.transport.stream(http, silenceMs);
    const outcome = stream.kind === 'lines' ? 'ok' : resultOf(stream).kind;
    this.#meter.count({ verb: 'watch', resource: resource.plural, outcome, durationMs: performance.now() - startMs });
    return stream;
  }

  /** How often each `verb resource` was called: `get pods`, `apply streamjobs/status`. */
  callCounts(): ReadonlyMap<string, number> {
    return this.#meter.counts();
  }

  async #pages<T extends KubeObject>(resource: Resource<T>, { selection, limit, signal }: PagesRequest): Promise<KubeResult<KubeList<T>>> {
    const { namespace, ...selectors } = selection;
    const http = { method: 'GET', path: pathOf(resource, { namespace }), timeoutMs: LIST_TIMEOUT_MS, ...(signal && { signal }) } as const;
    const items: T[] = [];
    for (let next = ''; ;) {
      const query = { ...selectors, ...(limit === null ? {} : { limit: String(limit) }), ...(next === '' ? {} : { continue: next }) };
      const page = await this.#read<Page<T>>('list', resource.plural, { ...http, query });
      if (page.kind !== 'ok') return page;
      const { metadata, items: more } = page.object;
      for (const item of more ?? []) items.push({ ...item, apiVersion: resource.apiVersion, kind: resource.kind });
      next = metadata.continue ?? '';
      if (next === '') return { kind: 'ok', object: { items, resourceVersion: metadata.resourceVersion } };
    }
  }

  #apply<T>(
    resource: Resource<KubeObject>,
    named: WriteRequest['named'],
    body: AppliedObject,
    options: ApplyOptions,
  ): Promise<KubeResult<T>> {
    const query = { fieldManager: options.fieldManager ?? FIELD_MANAGER, force: String(options.force ?? true) };
    return this.#write({ verb: 'apply', resource, named, method: 'PATCH', contentType: APPLY_PATCH, query, body });
  }

  #write<T>({ verb, resource, named, body, method, contentType, query }: WriteRequest): Promise<KubeResult<T>> {
    const { namespace, name, subresource } = named;
    const target = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
    const place = { namespace, ...(verb === 'create' ? {} : { name }), ...(subresource === undefined ? {} : { subresource }) };
    const http = { method, path: pathOf(resource, place), ...(contentType === undefined ? {} : { contentType }), query: { ...query } };
    return this.#send({ verb, resource: target, name: `${verb} ${target}`, namespace, objectName: name }, { ...http, ...bodyOf(body) });
  }

  #read<T>(verb: 'get' | 'list' | 'raw', resource: string, request: HttpRequest): Promise<KubeResult<T>> {
    return this.#meter.measure(verb, resource, async () => resultOf(await this.#options.transport.send(request)) as KubeResult<T>);
  }

  /** K2, K3. */
  async #send<T>(write: Write, request: Omit<HttpRequest, 'timeoutMs'>): Promise<KubeResult<T>> {
    await this.#options.beforeWrite?.(write);
    if (this.#options.mayWrite?.() === false)
      return { kind: 'absent', reason: `${write.name}: this process may not write now`, retryAfterMs: null };
    const query = { ...request.query, timeout: `${WRITE_TIMEOUT_MS / 1_000}s` };
    const timed = { ...request, query, timeoutMs: WRITE_TIMEOUT_MS };
    return this.#meter.measure(
      write.verb,
      write.resource,
      async () => resultOf(await this.#options.transport.send(timed)) as KubeResult<T>,
    );
  }
}

const MANAGED = { fieldManager: FIELD_MANAGER };
const APPLY_PATCH = 'application/apply-patch+yaml';
const MERGE_PATCH = 'application/merge-patch+json';

type Page<T> = { readonly metadata: { readonly resourceVersion: string; readonly continue?: string }; readonly items?: readonly T[] };

function bodyOf(body: unknown): { readonly body?: string } {
  return body === undefined ? {} : { body: JSON.stringify(body) };
}

function namedOf({
  metadata: { namespace = null, name },
}: {
  readonly metadata: { readonly namespace?: string | null; readonly name: string };
}): Named {
  return { namespace, name };
}
