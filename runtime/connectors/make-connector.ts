// From what a job declares to what reads and writes: the one place that knows every kind of connector.

import type { SourceSpec, FileTableSpec } from '../../crds/stream-job/sources.ts';
import type { SinkSpec } from '../../crds/stream-job/spec.ts';
import { accountOfStream, type JobLinks } from '../adapters/nats/job-connections.ts';
import type { Link } from '../adapters/nats/link.ts';
import { assert } from '../base/assert.ts';
import type { Clock, Random } from '../base/clock.ts';
import { makeFileTable } from '../transforms/enrich-table.ts';
import type { Table } from '../transforms/transform.ts';
import { makeFileSink } from './file/file-sink.ts';
import { makeFileSource } from './file/file-source.ts';
import { readTableRows } from './file/table-rows.ts';
import { makeNatsSink } from './nats/nats-sink.ts';
import { makeNatsSource } from './nats/nats-source.ts';
import type { SinkConnector } from './sink.ts';
import type { SourceConnector } from './source.ts';

export type ConnectorEnv = {
  readonly job: string;
  /** The same for all workers and restarts of one run, another for each fresh run: results carry it. */
  readonly runId: string;
  /** Folder that relative paths of sources and tables start at. */
  readonly baseDir: string;
  /** Folder that paths of sinks start at. */
  readonly outDir: string;
  readonly links: JobLinks;
  readonly clock: Clock;
  readonly random: Random;
  /** true: streams are made and found by somebody else, and named by what is declared; nothing of JetStream is created or searched. */
  readonly attachOnly?: boolean;
  /** true: events are traced, so contexts of producers are read and passed on. */
  readonly isTraced?: boolean;
};

/** Rejects with MR1001 or BadDeclaration when what the source reads is not there or not as declared. */
export async function makeSourceConnector(spec: SourceSpec, env: ConnectorEnv): Promise<SourceConnector> {
  const { file, nats } = spec;
  if (file !== undefined) return makeFileSource({ ...spec, file }, env);
  assert(nats !== undefined, () => `source ${spec.name} is connected to a file or to NATS`);
  const { job: identity, runId, clock, isTraced } = env;
  const link = linkOf(spec, env);
  return makeNatsSource({ ...spec, nats }, { link, clock, isTraced, stock: link.isImporting ? { identity, runId } : undefined });
}

/** Rejects with BadDeclaration when the target can't be used. Writes nothing but, for NATS, a missing stream. */
export async function makeSinkConnector(spec: SinkSpec, env: ConnectorEnv): Promise<SinkConnector> {
  const { file, nats } = spec;
  const uniqueId = (): string => env.random.id();
  if (file !== undefined) return makeFileSink({ ...spec, file }, { outDir: env.outDir, runId: env.runId, uniqueId });
  assert(nats !== undefined, () => `sink ${spec.name} writes to a file or to NATS`);
  const { job, runId, clock, attachOnly } = env;
  return makeNatsSink({ ...spec, nats }, { link: linkOf(spec, env), job, runId, uniqueId, clock, attachOnly });
}

function linkOf(spec: SourceSpec | SinkSpec, { links }: ConnectorEnv): Link {
  return links[accountOfStream(spec)];
}

export type LoadedTable = { readonly table: Table; /** Rows that were left out, a sentence each. */ readonly issues: readonly string[] };

/** Reads every side input whole. Rejects with MR1001 or BadDeclaration. */
export async function loadTables(
  specs: readonly FileTableSpec[],
  env: Pick<ConnectorEnv, 'baseDir'>,
): Promise<ReadonlyMap<string, LoadedTable>> {
  const tables = new Map<string, LoadedTable>();
  for (const spec of specs) tables.set(spec.name, await loadTable(spec, env.baseDir));
  return tables;
}

async function loadTable(spec: FileTableSpec, baseDir: string): Promise<LoadedTable> {
  const { rows, lines, version, issues } = await readTableRows(spec, baseDir);
  const made = makeFileTable(rows, spec, version);
  return { table: made.table, issues: [...issues, ...made.issues.map(({ row, message }) => `line ${lines[row]}: ${message}`)] };
}
