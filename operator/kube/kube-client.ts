// Calls of the API server, one method a verb, with answers as values.
//
//   K1. A call never rejects for what the world does; a rejected promise is a bug of ours.
//   K2. Every call ends: it has a deadline, on both sides.
//   K3. Writes go through `beforeWrite`, and none is sent when `mayWrite` says no.
//   K4. Nothing is read, changed and written back: writes are applies, or carry a precondition.

import type { AppliedObject, KubeObject } from './kube-object.ts';
import type { Resource } from './resource.ts';

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

export type KubeList<T> = { readonly items: readonly T[]; readonly resourceVersion: string };

export type Named = { readonly namespace: string | null; readonly name: string };

export type Selection = { readonly namespace: string | null; readonly labelSelector?: string; readonly fieldSelector?: string };

export type WriteVerb = 'create' | 'apply' | 'replace' | 'patch' | 'delete';

/** A write that is about to be sent. `name` is `apply deployments`, `apply streamjobs/status`, `patch streamjobs` … */
export type Write = Named & { readonly verb: WriteVerb; readonly resource: string; readonly name: string; readonly object: string };

export type Call = {
  readonly verb: 'get' | 'list' | 'watch' | 'raw' | WriteVerb;
  /** `streamjobs/status`; the path for `raw`. */
  readonly resource: string;
  readonly outcome: KubeResult<unknown>['kind'];
  readonly durationMs: number;
};

export type ApplyOptions = {
  /** Take fields over from other managers. Default true: what the operator applies, it owns. */
  readonly force?: boolean;
  /** Default `millrace-operator`. */
  readonly fieldManager?: string;
};

export type DeleteOptions = {
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
  readonly graceSeconds?: number;
};

export type RawRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** From the root of the server: `/version`, `/apis/…`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly contentType?: string;
  readonly body?: unknown;
  readonly timeoutMs?: number;
};

export declare class KubeClient {
  get<T extends KubeObject>(resource: Resource<T>, named: Named): Promise<KubeResult<T>>;
  /** All objects of a selection, page by page. Items have their apiVersion and kind. */
  list<T extends KubeObject>(resource: Resource<T>, selection: Selection): Promise<KubeResult<KubeList<T>>>;
  /** Writes what is not there yet; `conflict` with reason `AlreadyExists` when it is. */
  create<T extends KubeObject>(resource: Resource<T>, object: AppliedObject): Promise<KubeResult<T>>;
  /** Server-side apply: creates or changes the fields named, removes those that we named before and no longer do. */
  apply<T extends KubeObject>(resource: Resource<T>, object: AppliedObject, options?: ApplyOptions): Promise<KubeResult<T>>;
  /** Server-side apply of the status alone; `object` holds apiVersion, kind, name and status. */
  applyStatus<T extends KubeObject>(resource: Resource<T>, object: AppliedObject, options?: ApplyOptions): Promise<KubeResult<T>>;
  /** Writes a whole object, if it is still the one that was read: `conflict` otherwise. */
  replace<T extends KubeObject>(resource: Resource<T>, object: T): Promise<KubeResult<T>>;
  /** Sets the finalizers, if the object is still the one that was read: `conflict` otherwise. */
  setFinalizers<T extends KubeObject>(resource: Resource<T>, object: T, finalizers: readonly string[]): Promise<KubeResult<T>>;
  /** `ok` also means: it goes on being deleted. `conflict` when uid or resourceVersion are others. */
  delete(resource: Resource<KubeObject>, named: Named, options?: DeleteOptions): Promise<KubeResult<unknown>>;
  /** JSON merge patch, for what is not ours to apply. */
  mergePatch<T extends KubeObject>(
    resource: Resource<T>,
    named: Named & { readonly subresource?: string },
    patch: unknown,
  ): Promise<KubeResult<T>>;
  raw(request: RawRequest): Promise<KubeResult<unknown>>;
  /** How often `verb resource` was called: `get pods`, `apply streamjobs/status`. */
  callCounts(): ReadonlyMap<string, number>;
}
