// The user's streams that a plan reads and writes, found (sources) or made (sinks) and named in the plan, so that its workers
// need no right to search or to make any.
//
//   U1. Called again with what it gave, it changes nothing and gives the same.
//   U2. All that is wrong is told at once.

import type { SourceSpec } from '../../../crds/stream-job/sources.ts';
import type { SinkSpec } from '../../../crds/stream-job/spec.ts';
import { accountOfStream, type JobConnections } from '../../adapters/nats/job-connections.ts';
import { Link } from '../../adapters/nats/link.ts';
import { BadDeclaration, type Issue } from '../../base/issues.ts';
import type { NodePlan, OpPlan, PhysicalPlan } from '../../plan/physical-plan.ts';
import { ensureSinkStream, findSourceStream } from './user-streams.ts';

export type UserStreamOptions = {
  /** Copies of the streams that are made for sinks. */
  readonly replicas?: number;
};

/** `plan` with a stream named in every source and sink on NATS. Streams of sinks are made when they are missing. Throws BadDeclaration
 *  with all mistakes (a subject that no stream holds, a stream that can't be used), MR1003 when NATS does not answer for long. */
export async function ensureUserStreams(
  connections: JobConnections,
  plan: PhysicalPlan,
  { replicas = 1 }: UserStreamOptions = {},
): Promise<PhysicalPlan> {
  const linkOf = (spec: SourceSpec | SinkSpec): Link => Link.of(connections[accountOfStream(spec)]);
  const issues: Issue[] = [];
  const resolve = async (op: OpPlan): Promise<OpPlan> => {
    try {
      if (op.kind === 'source') return { ...op, spec: await resolveSource(linkOf(op.spec), op.spec) };
      if (op.kind === 'sink') return { ...op, spec: await resolveSink(linkOf(op.spec), op.spec, replicas) };
    } catch (error) {
      if (!(error instanceof BadDeclaration)) throw error;
      issues.push(...error.issues.map((issue) => ({ ...issue, path: `${op.kind} ${nameOf(op)}: ${issue.path}` })));
    }
    return op;
  };
  const stages = [];
  for (const stage of plan.stages) {
    const nodes: NodePlan[] = [];
    for (const node of stage.nodes) nodes.push({ ...node, op: await resolve(node.op) });
    stages.push({ ...stage, nodes });
  }
  if (issues.length > 0) throw new BadDeclaration(`job ${plan.job}`, issues);
  return { ...plan, stages };
}

async function resolveSource(link: Link, spec: SourceSpec): Promise<SourceSpec> {
  const { nats } = spec;
  if (nats === undefined) return spec;
  const names = new Set<string>();
  for (const [index, subject] of nats.subjects.entries()) {
    const wish = { source: spec.name, stream: nats.stream, subject, path: `nats.subjects[${index}]` };
    names.add((await findSourceStream(link, wish)).name);
  }
  const [stream, ...others] = names;
  if (stream === undefined || others.length > 0)
    throw new BadDeclaration(`source ${spec.name}`, [
      { path: 'nats.subjects', message: `they lie in several streams: ${[...names].join(', ')}`, fix: 'declare a source for each stream' },
    ]);
  return { ...spec, nats: { ...nats, stream } };
}

async function resolveSink(link: Link, spec: SinkSpec, replicas: number): Promise<SinkSpec> {
  const { nats } = spec;
  if (nats === undefined) return spec;
  const { name: stream } = await ensureSinkStream(link, { sink: spec.name, stream: nats.stream, subject: nats.subject, replicas });
  return { ...spec, nats: { ...nats, stream } };
}

function nameOf(op: OpPlan): string {
  return op.kind === 'source' || op.kind === 'sink' ? op.spec.name : op.kind;
}
