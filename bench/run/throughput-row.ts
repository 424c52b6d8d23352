// Figures of one run over many events, above those of a run over none. Pure.

import type { MeasuredRun } from './measure-run.ts';

export type ThroughputRow = {
  readonly workers: number;
  readonly results: number;
  /** Over the span from the first commit to the last, and over all from the start of the workers. */
  readonly eventsPerS: number;
  readonly eventsPerSInTotal: number;
  readonly spanMs: number;
  readonly totalMs: number;
  /** CPU-seconds per million events, above an empty run (T1). */
  readonly workerCpuSPerMillion: number;
  readonly serverCpuSPerMillion: number;
  /** CPU of the whole run and of the empty one, ms. */
  readonly cpuMs: Record<'worker' | 'server' | 'runner', { readonly run: number; readonly emptyRun: number }>;
  readonly workerPeakBytes: number;
  readonly serverPeakBytes: number;
  readonly commitMs: MeasuredRun['report']['commitMs'];
  readonly endToEndMs: MeasuredRun['report']['endToEndMs'];
};

export function throughputRow(
  run: MeasuredRun,
  empty: MeasuredRun,
  { workers, events, results }: { readonly workers: number; readonly events: number; readonly results: number },
): ThroughputRow {
  const perMillion = (cpuMs: number): number => cpuMs / 1000 / (events / 1e6);
  const spanMs = run.spanMs ?? run.totalMs;
  const both = (of: (one: MeasuredRun) => number): { run: number; emptyRun: number } => ({ run: of(run), emptyRun: of(empty) });
  return {
    workers,
    results,
    eventsPerS: events / (spanMs / 1000),
    eventsPerSInTotal: events / (run.totalMs / 1000),
    spanMs,
    totalMs: run.totalMs,
    workerCpuSPerMillion: perMillion(run.workerCpuMs - empty.workerCpuMs),
    serverCpuSPerMillion: perMillion(run.serverCpuMs - empty.serverCpuMs),
    cpuMs: {
      worker: both(({ workerCpuMs }) => workerCpuMs),
      server: both(({ serverCpuMs }) => serverCpuMs),
      runner: both(({ runnerCpuMs }) => runnerCpuMs),
    },
    workerPeakBytes: run.workerPeakBytes,
    serverPeakBytes: run.serverPeakBytes,
    commitMs: run.report.commitMs,
    endToEndMs: run.report.endToEndMs,
  };
}
