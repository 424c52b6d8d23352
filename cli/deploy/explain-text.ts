// Why a job has as many workers as it has, as text. Pure.
//
//   X1. What is told of an earlier spec, or by nobody, says so; and how old it is stands above it: an operator that is down tells nothing.

import type { ScalingSpec } from '../../crds/stream-job/scaling.ts';
import { UNKNOWN, type ScalingStatus, type StreamJobStatus } from '../../crds/stream-job/status.ts';
import type { AnyObject } from '../../operator/kube/kube-object.ts';
import { wrapped } from '../run/readable.ts';
import { ageText } from './status-text.ts';

const WIDTH = 100;
const CONDITIONS: ReadonlySet<string> = new Set(['ScalingLimited', 'HotPartition']);

/** Ends with a line feed. */
export function explainText(job: AnyObject, nowMs: number): string {
  const spec = (job['spec'] ?? {}) as Declared & { readonly pools?: readonly (Declared & { readonly name: string })[] };
  const status = (job['status'] ?? {}) as StreamJobStatus;
  const kept = (status.conditions ?? []).filter((one) => CONDITIONS.has(one.type) && one.status === 'True');
  const sections = [
    [`${job.metadata.name}: ${status.phase ?? 'Pending'}, ${sizeText(spec, status)}`],
    toldLines(job, status, nowMs),
    modeLines(spec),
    nowLines(spec, status.scaling),
    ...(spec.pools ?? []).flatMap((pool) => poolSections(pool, status)),
    kept.flatMap(({ type, reason, message }) => [`${type} (${reason})`, ...indented(message)]),
    [
      'Last decisions',
      ...((status.decisions ?? []).length === 0
        ? [`  ${noneText([spec, ...(spec.pools ?? [])])}`]
        : (status.decisions ?? []).flatMap(indented)),
    ],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

type Declared = { readonly replicas?: number; readonly scaling?: Partial<ScalingSpec> };

function poolSections(pool: Declared & { readonly name: string }, { pools }: StreamJobStatus): readonly (readonly string[])[] {
  const { ready, scaling } = pools?.find(({ name }) => name === pool.name) ?? {};
  const [first, second] = ready?.split('/') ?? [];
  const size = ready === undefined ? NOT_KNOWN : `${first} workers ready, ${second} asked for`;
  return [[`Pool ${pool.name}: ${size}`, ...modeLines(pool, 'its replicas')], nowLines(pool, scaling)];
}

const NOT_KNOWN = 'how many workers there are is not known yet';

/** X1. */
function toldLines({ metadata }: AnyObject, { observedGeneration: seen }: StreamJobStatus, nowMs: number): readonly string[] {
  const { generation, managedFields } = metadata as AnyObject['metadata'] & { readonly managedFields?: readonly Written[] };
  if (seen === undefined) return ['No operator has looked at it yet: nothing of what is declared is done. See whether one runs.'];
  const times = (managedFields ?? []).flatMap(({ subresource, time }) => (subresource === 'status' && time ? [Date.parse(time)] : []));
  const age =
    times.length === 0 ? [] : [`The operator wrote this ${ageText(nowMs - Math.max(...times))} ago; it writes when something changes.`];
  if (generation === undefined || seen >= generation) return age;
  return [`This is of an earlier spec (generation ${seen} of ${generation}): no operator has looked at the new one yet.`, ...age];
}

type Written = { readonly subresource?: string; readonly time?: string };

function nowLines({ scaling: declared }: Declared, scaling: ScalingStatus | undefined): readonly string[] {
  if (scaling === undefined) return (declared?.mode ?? 'Off') === 'Off' ? [] : ['Now', '  nothing was measured yet'];
  return ['Now', ...indented(scaling.now ?? ''), ...seenLines(scaling)];
}

function noneText(all: readonly Declared[]): string {
  return all.every(({ scaling }) => (scaling?.mode ?? 'Off') === 'Off') ? 'none: nothing is scaled on load' : 'none yet';
}

function sizeText(spec: Declared, { readyReplicas, replicas, scaling }: StreamJobStatus): string {
  const isApplied = spec.scaling?.mode === 'Apply' && spec.replicas !== 0;
  if (readyReplicas === undefined && replicas === undefined) return NOT_KNOWN;
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
