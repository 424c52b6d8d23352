// Figures of the Nexmark queries as a table for people, beside those of other systems. Pure.

import type { QueryName } from '../nexmark/models/models.ts';
import type { NexmarkRow } from './nexmark.ts';
import { aligned, counted, megabytes } from './table.ts';

export type PeerFigures = { readonly cpuSPerMillion: number; readonly eventsPerS: number };

/** Apache Flink 2.x: hashmap state, exactly-once checkpoints every second, Kafka in and out; parallelism 1, CPU of the engine alone. */
export const FLINK: Partial<Record<QueryName, PeerFigures>> = {
  q0: { cpuSPerMillion: 4.4, eventsPerS: 368_000 },
  q1: { cpuSPerMillion: 3.9, eventsPerS: 415_000 },
  q2: { cpuSPerMillion: 1.7, eventsPerS: 922_000 },
  count: { cpuSPerMillion: 3.8, eventsPerS: 484_000 },
  q5: { cpuSPerMillion: 3.4, eventsPerS: 511_000 },
  q8: { cpuSPerMillion: 4.2, eventsPerS: 616_000 },
  q11: { cpuSPerMillion: 4.6, eventsPerS: 469_000 },
};
/** Kafka Streams, exactly_once_v2. */
export const KAFKA_STREAMS: Partial<Record<QueryName, PeerFigures>> = {
  q0: { cpuSPerMillion: 6.6, eventsPerS: 206_000 },
  q2: { cpuSPerMillion: 3.0, eventsPerS: 356_000 },
  count: { cpuSPerMillion: 9.4, eventsPerS: 137_000 },
  q5: { cpuSPerMillion: 15, eventsPerS: 80_000 },
  q8: { cpuSPerMillion: 6.1, eventsPerS: 203_000 },
  q11: { cpuSPerMillion: 51, eventsPerS: 20_000 },
};

const HEAD = [
  'query',
  'workers',
  'events/s',
  'CPU-s/M workers',
  'server',
  'Flink CPU-s/M',
  'events/s',
  'our CPU / Flink',
  'Kafka Streams CPU-s/M',
  'events/s',
  'empty run CPU-s',
  'peak workers',
  'results',
] as const;
const NOTES = `CPU-s/M: CPU-seconds per million events, of the workers and of the nats-server, above a run over no events (its CPU-seconds:
empty run, workers + server). Every run's results were equal to those of the query's model.
Flink: 2.x, hashmap state, exactly-once checkpoints every second, Kafka in and out, parallelism 1, CPU of the engine alone. Kafka Streams:
exactly_once_v2. Both were measured on one machine that is not this one (docs/operations/benchmarks.md): shares say little.`;

export function nexmarkTable(rows: readonly NexmarkRow[], leftOut: readonly string[]): string {
  const lines = rows.map((row) => {
    const flink = FLINK[row.query];
    return [
      row.query,
      String(row.workers),
      counted(row.eventsPerS),
      row.workerCpuSPerMillion.toFixed(2),
      row.serverCpuSPerMillion.toFixed(2),
      ...peer(flink),
      flink === undefined ? '-' : (row.workerCpuSPerMillion / flink.cpuSPerMillion).toFixed(2),
      ...peer(KAFKA_STREAMS[row.query]),
      `${(row.cpuMs.worker.emptyRun / 1000).toFixed(2)}+${(row.cpuMs.server.emptyRun / 1000).toFixed(2)}`,
      megabytes(row.workerPeakBytes),
      counted(row.results),
    ];
  });
  const left = leftOut.length === 0 ? '' : `\nThe time was over, and not measured: ${leftOut.join(', ')}. More with --minutes.`;
  return `${aligned([HEAD, ...lines])}\n\n${NOTES}${left}`;
}

function peer(figures: PeerFigures | undefined): [cpu: string, eventsPerS: string] {
  return figures === undefined ? ['-', '-'] : [figures.cpuSPerMillion.toFixed(1), counted(figures.eventsPerS)];
}
