// What one process uses, told by its id: CPU time and peak memory from /proc.
//
//   U1. A process is known by its id only, which whoever started it has told us.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

/** Ticks of /proc/<pid>/stat a second. */
const ticksPerS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU time since it began, user and system, all its threads, ms. In steps of a tick (10 ms). */
export function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in brackets may hold anything; the fields behind it do not.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerS) * 1000;
}

/** Highest memory since `forgetPeak`, bytes. */
export function peakBytesOf(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status tells no VmHWM`);
  return Number(kilobytes) * 1024;
}

/** The peak counts from now on. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
