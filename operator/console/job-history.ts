// What happened to a job as the cluster remembers it: the Events that the operator wrote, and the decisions in its status. Pure.
//
//   JH1. Scaling is told by the status: it keeps its decisions with their numbers for longer than Events last.
//   JH2. What is no Event of ours, or has no time, is left out; texts are bounded.

import { STATUS_DECISIONS_MAX, type StreamJobStatus } from '../../crds/stream-job/status.ts';
import type { TimelineEntry, TimelineKind } from '../../console/api.ts';
import type { EventReason } from '../kube/events.ts';
import type { AnyObject } from '../kube/kube-object.ts';

const KINDS: Readonly<Record<EventReason, TimelineKind>> = {
  Deployed: 'start',
  Restored: 'start',
  Upgrading: 'upgrade',
  Upgraded: 'upgrade',
  UpgradeRefused: 'failure',
  RolledBack: 'failure',
  Suspended: 'note',
  Resumed: 'start',
  Completed: 'end',
  Failed: 'failure',
  Scaled: 'scaling',
  ScalingLimited: 'scaling',
  HotPartition: 'scaling',
  SavepointTaken: 'note',
  SavepointFailed: 'failure',
  Repaired: 'note',
  NatsUnreachable: 'failure',
  InvalidSpec: 'failure',
  Waiting: 'note',
  StateRetained: 'note',
  StateDeleted: 'note',
};
const TEXT_CHARACTERS_MAX = 1_024;

/** In no order. */
export function historyOf(events: readonly AnyObject[], { decisions = [] }: StreamJobStatus): readonly TimelineEntry[] {
  return [...events.flatMap(entryOf), ...decisions.slice(-STATUS_DECISIONS_MAX).flatMap(decisionOf)];
}

function entryOf(event: AnyObject): readonly TimelineEntry[] {
  const { reason, note, eventTime, series } = event as AnyObject & {
    readonly reason?: unknown;
    readonly note?: unknown;
    readonly eventTime?: unknown;
    readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
  };
  if (typeof reason !== 'string' || reason === 'Scaled' || !Object.hasOwn(KINDS, reason)) return []; // JH1
  const atMs = Date.parse(series?.lastObservedTime ?? String(eventTime));
  if (Number.isNaN(atMs)) return [];
  const times = (series?.count ?? 1) > 1 ? ` (${series?.count} times)` : '';
  const said = typeof note === 'string' && note !== '' ? `: ${note}` : '';
  return [{ atMs, kind: KINDS[reason as EventReason], text: `${reason}${said}${times}`.slice(0, TEXT_CHARACTERS_MAX) }];
}

/** `2026-01-01T00:10:00.250Z workers 1 → 4: …` */
function decisionOf(decision: string): readonly TimelineEntry[] {
  const at = decision.indexOf(' ');
  const atMs = Date.parse(decision.slice(0, at));
  return Number.isNaN(atMs) ? [] : [{ atMs, kind: 'scaling', text: decision.slice(at + 1) }];
}
