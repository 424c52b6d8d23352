// Why a job has as many workers as it has, as text. Pure.

import type { ScalingSpec } from '../../crds/stream-job/scaling.ts';
import { UNKNOWN, type ScalingStatus, type StreamJobStatus } from '../../crds/stream-job/status.ts';
import type { AnyObject } from '../../operator/kube/kube-object.ts';
import { wrapped } from '../run/readable.ts';

const WIDTH = 100;
const CONDITIONS: ReadonlySet<string> = new Set(['ScalingLimited', 'HotPartition']);

/** Ends with a line feed. */
export function explainText(job: AnyObject): string {
  const spec = (job['spec'] ?? {}) as Declared & { readonly pools?: readonly (Declared & { readonly name: string })[] };
  const status = (job['status'] ?? {}) as StreamJobStatus;
  const kept = (status.conditions ?? []).filter((one) => CONDITIONS.has(one.type) && one.status === 'True');
  const sections = [
    [`${job.metadata.name}: ${status.phase ?? 'Pending'}, ${sizeText(spec, status)}`],
    modeLines(spec),
    nowLines(status.scaling),
    ...(spec.pools ?? []).flatMap((pool) => poolSections(pool, status)),
    kept.flatMap(({ type, reason, message }) => [`${type} (${reason})`, ...indented(message)]),
    ['Last decisions', ...((status.decisions ?? []).length === 0 ? ['  none yet'] : (status.decisions ?? []).flatMap(indented))],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

type Declared = { readonly replicas?: number; readonly scaling?: Partial<ScalingSpec> };

function poolSections(pool: Declared & { readonly name: string }, { pools }: StreamJobStatus): readonly (readonly string[])[] {
  const { ready, scaling } = pools?.find(({ name }) => name === pool.name) ?? {};
  const [first, second] = (ready ?? `${UNKNOWN}/${UNKNOWN}`).split('/');
  return [[`Pool ${pool.name}: ${first} workers ready, ${second} asked for`, ...modeLines(pool, 'its replicas')], nowLines(scaling)];
}

function nowLines(scaling: ScalingStatus | undefined): readonly string[] {
  return scaling === undefined ? [] : ['Now', ...indented(scaling.now ?? ''), ...seenLines(scaling)];
}

function sizeText(spec: Declared, { readyReplicas, replicas, scaling }: StreamJobStatus): string {
  const isApplied = spec.scaling?.mode === 'Apply' && spec.replicas !== 0;
  const asked = isApplied ? (scaling?.replicas ?? UNKNOWN) : (spec.replicas ?? UNKNOWN);
  return `${readyReplicas ?? UNKNOWN} of ${replicas ?? UNKNOWN} workers ready, ${asked} asked for`;
}

function modeLines({ replicas, scaling }: Declared, ownReplicas?: string): readonly string[] {
  const { mode = 'Off', min, max, targetLag, catchUp, utilization, idle } = scaling ?? {};
  if (mode === 'Off')
    return [
      ownReplicas === undefined
        ? `scaling.mode Off: spec.replicas (${replicas ?? UNKNOWN}) says how many; kubectl scale, an HPA or KEDA may change it.`
        : `scaling.mode Off: ${ownReplicas} (${replicas ?? UNKNOWN}) say how many.`,
    ];
  const how = `${min} to ${max} workers, ${utilization} % busy, at most ${targetLag} behind, a backlog gone in ${catchUp}`;
  return [`scaling.mode ${mode}: ${how}${idle === undefined ? '' : `, asleep after ${idle} without events`}.`];
}

function seenLines({ eventsPerWorker, lastOut, lastIn, hold }: ScalingStatus): readonly string[] {
  return [
    ...(eventsPerWorker === undefined ? [] : [`  A worker does ${eventsPerWorker} events/s.`]),
    ...(lastOut === undefined ? [] : [`  Workers were added last at ${lastOut}.`]),
    ...(lastIn === undefined ? [] : [`  Workers were taken away last at ${lastIn}.`]),
    ...(hold === undefined ? [] : [`  None are added before ${hold.until}: they did not help (${hold.times} times).`]),
  ];
}

function indented(text: string): readonly string[] {
  return wrapped(text, WIDTH).map((line, i) => `${i === 0 ? '  ' : '    '}${line}`);
}
