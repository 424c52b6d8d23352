// Figures as a table for people, with what the systems of others take. Pure.

import type { CheckName } from './checks.ts';
import type { LatencyResult } from './latency.ts';
import type { LatencyQuantiles } from './quantiles.ts';
import type { ThroughputRow } from './throughput-row.ts';

type Peer = { readonly name: string; readonly cpuSPerMillion: number; readonly eventsPerS: number | null };

/** Measured on one machine, with Kafka, exactly once; not on the machine of this run. */
export const PEERS: Readonly<Record<CheckName | 'flights', readonly Peer[]>> = {
  flights: [],
  passthrough: [
    { name: 'Flink', cpuSPerMillion: 4.4, eventsPerS: 368_000 },
    { name: 'Kafka Streams', cpuSPerMillion: 6.6, eventsPerS: null },
  ],
  count: [
    { name: 'Flink', cpuSPerMillion: 3.8, eventsPerS: 484_000 },
    { name: 'Kafka Streams', cpuSPerMillion: 9.4, eventsPerS: null },
  ],
};

export function throughputTable(name: CheckName | 'flights', rows: readonly ThroughputRow[]): string {
  const peers = PEERS[name];
  const head = [
    'workers',
    'events/s',
    'in total',
    'CPU-s/M workers',
    'server',
    'together',
    ...peers.map((peer) => `of ${peer.name}'s`),
    'empty run CPU-s',
    'peak workers',
    'server',
    'commit p50/p99',
    'end to end p50/p99',
    'results',
  ];
  const lines = rows.map((row) => {
    const together = row.workerCpuSPerMillion + row.serverCpuSPerMillion;
    return [
      String(row.workers),
      counted(row.eventsPerS),
      counted(row.eventsPerSInTotal),
      row.workerCpuSPerMillion.toFixed(2),
      row.serverCpuSPerMillion.toFixed(2),
      together.toFixed(2),
      ...peers.map(
        (peer) => `${(row.workerCpuSPerMillion / peer.cpuSPerMillion).toFixed(2)}/${(together / peer.cpuSPerMillion).toFixed(2)}`,
      ),
      `${(row.cpuMs.worker.emptyRun / 1000).toFixed(2)}+${(row.cpuMs.server.emptyRun / 1000).toFixed(2)}`,
      megabytes(row.workerPeakBytes),
      megabytes(row.serverPeakBytes),
      latency(row.commitMs),
      latency(row.endToEndMs),
      counted(row.results),
    ];
  });
  const told = peers.map(
    ({ name: peer, cpuSPerMillion, eventsPerS }) =>
      `${peer} ${cpuSPerMillion} CPU-s/M${eventsPerS === null ? '' : `, ${counted(eventsPerS)} events/s at parallelism 1`}`,
  );
  if (peers.length === 0) return aligned([head, ...lines]);
  return `${aligned([head, ...lines])}\n\nShares of peers' CPU: workers alone / with the server. Peers, on a machine of their own: ${told.join('; ')}.`;
}

export function latencyTable(rows: readonly LatencyResult[]): string {
  const quantiles = ({ p50, p99, p999, max }: LatencyQuantiles): string[] => [p50, p99, p999, max].map((ms) => ms.toFixed(1));
  const lines = rows.map((row) => [
    String(row.workers),
    counted(row.arrived),
    ...quantiles(row.endToEndMs),
    ...quantiles(row.storedMs).slice(0, 2),
    ...quantiles(row.storedAloneMs).slice(0, 2),
    counted(row.storedMessagesPerS),
    latency(row.commitMs),
    ...quantiles(row.syncWriteMs).slice(0, 2),
    (row.workerCpuMs / 1000).toFixed(1),
    (row.serverCpuMs / 1000).toFixed(1),
  ]);
  const head = [
    'workers',
    'events',
    'end to end p50',
    'p99',
    'p99.9',
    'max',
    'stored p50',
    'p99',
    'without job p50',
    'p99',
    'stored/s',
    'commit p50/p99',
    'disk sync p50',
    'p99',
    'CPU-s workers',
    'server',
  ];
  return `${aligned([head, ...lines])}\n\nms. Goal at 1,000 events/s: end to end p99 at most 25 ms.`;
}

/** Columns of numbers stand to the right; a last one of texts to the left. */
export function aligned(rows: readonly (readonly string[])[], last: 'last right' | 'last left' = 'last right'): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const cell = (text: string, column: number): string =>
    last === 'last left' && column === widths.length - 1 ? text : text.padStart(widths[column] ?? 0);
  return rows.map((row) => row.map(cell).join('  ')).join('\n');
}

export function counted(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MB`;
}

export function latency({ p50, p99 }: { readonly p50: number | null; readonly p99: number | null }): string {
  return p50 === null || p99 === null ? '-' : `${p50.toFixed(1)}/${p99.toFixed(1)} ms`;
}
