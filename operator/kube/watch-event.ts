// One line of a watch, parsed. Pure.

import type { KubeFailure } from './kube-result.ts';
import { failureOf } from './kube-answer.ts';
import type { KubeObject } from './kube-object.ts';

export type WatchEvent<T> =
  | { readonly kind: 'put'; readonly object: T; readonly resourceVersion: string }
  | { readonly kind: 'removed'; readonly object: T; readonly resourceVersion: string }
  /** Nothing changed up to here. */
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  /** The place in history is gone: list again. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'error'; readonly failure: KubeFailure };

type Line = { readonly type: string; readonly object: KubeObject & ErrorStatus };
type ErrorStatus = { readonly code?: number; readonly reason?: string; readonly message?: string };

/** What a line says. A line that is no event is an error of the stream. */
export function watchEventOf<T extends KubeObject>(line: string): WatchEvent<T> {
  const { type, object } = parsed(line);
  if (type === 'ERROR') return errorOf(object);
  const resourceVersion = object?.metadata?.resourceVersion;
  if (resourceVersion === undefined) return broken(line);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      return { kind: 'put', object: object as KubeObject as T, resourceVersion };
    case 'DELETED':
      return { kind: 'removed', object: object as KubeObject as T, resourceVersion };
    case 'BOOKMARK':
      return { kind: 'bookmark', resourceVersion };
    default:
      return broken(line);
  }
}

function errorOf({ code = 500, reason = '', message = '' }: ErrorStatus): WatchEvent<never> {
  if (code === 410) return { kind: 'expired' };
  return { kind: 'error', failure: failureOf(code, { reason, message }, null) };
}

function parsed(line: string): Partial<Line> & { readonly object: Line['object'] } {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return { type: '', object: {} as Line['object'] };
  }
}

function broken(line: string): WatchEvent<never> {
  return { kind: 'error', failure: { kind: 'absent', reason: `not an event: ${line.slice(0, 200)}`, retryAfterMs: null } };
}
