// One revision of a job, as a worker runs it: its plan, and what the plan's stages need from outside, made anew for each.
//
//   V1. Nothing here outlives its revision but the connection: a worker that goes on with another one takes other parts.

import { assert } from './base/assert.ts';
import { loadTables, makeSinkConnector, makeSourceConnector } from './connectors/make-connector.ts';
import type { ConnectorEnv } from './connectors/make-connector.ts';
import type { PhysicalPlan, StagePlan } from './plan/physical-plan.ts';
import { outsideCaller } from './adapters/node/call-outside.ts';
import { LookupDesk } from './worker/lookup-desk.ts';
import type { Outside } from './worker/waiting-side.ts';
import type { StageParts, WorkerParts } from './worker/worker.ts';

export type RevisionParts = Pick<WorkerParts, 'plan' | 'table' | 'tableVersions' | 'stageParts'> & {
  /** Rows of tables that were left out, a sentence each. */
  readonly tableIssues: readonly string[];
};

/** Reads tables and finds what sources and sinks need. Rejects with MR1001, BadDeclaration, or a `retry` error. */
export async function makeRevision(plan: PhysicalPlan, env: ConnectorEnv): Promise<RevisionParts> {
  const tables = await loadTables(plan.tables, env);
  const stageParts = await connectorsOf(plan, env);
  return {
    plan,
    table: (name) => {
      const found = tables.get(name);
      assert(found !== undefined, `table ${name} is in the plan`);
      return found.table;
    },
    tableVersions: Object.fromEntries([...tables].map(([name, { table }]) => [name, table.version])),
    stageParts: (stage) => stageParts.get(stage.id) ?? { source: null, sink: null },
    tableIssues: [...tables].flatMap(([name, { issues }]) => issues.map((issue) => `table ${name}: ${issue}`)),
  };
}

async function connectorsOf(plan: PhysicalPlan, env: ConnectorEnv): Promise<Map<string, StageParts>> {
  const parts = new Map<string, StageParts>();
  for (const stage of plan.stages) {
    const [source, sink] = [sourceOf(stage), sinkOf(stage)];
    parts.set(stage.id, {
      source: source === null ? null : await makeSourceConnector(source, env),
      sink: sink === null ? null : await makeSinkConnector(sink, env),
      outside: outsideOf(stage, env),
    });
  }
  return parts;
}

/** For all partitions of the stage that run here: they share what is known of the world outside. */
function outsideOf({ nodes }: StagePlan, { clock }: ConnectorEnv): Outside {
  const desks = nodes.flatMap(({ id, op }) =>
    op.kind === 'lookup'
      ? [[id, { desk: new LookupDesk({ op, call: outsideCaller(process.env), clock }), maxInFlight: op.spec.maxInFlight }] as const]
      : [],
  );
  return new Map(desks);
}

function sourceOf(stage: StagePlan): Parameters<typeof makeSourceConnector>[0] | null {
  for (const { op } of stage.nodes) if (op.kind === 'source') return op.spec;
  return null;
}

function sinkOf(stage: StagePlan): Parameters<typeof makeSinkConnector>[0] | null {
  for (const { op } of stage.nodes) if (op.kind === 'sink') return op.spec;
  return null;
}
