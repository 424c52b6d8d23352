// What tests ask about processes of this machine.
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 20;

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // A process that ended and that nobody has waited for yet still has an id.
  return !ps(pid, 'stat').startsWith('Z');
}

/** Resolves when the process has ended; rejects when it has not within `timeoutMs`. */
export async function untilEnded(pid: number, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (isRunning(pid)) {
    if (performance.now() > deadlineMs) throw new Error(`process ${pid} still runs after ${timeoutMs} ms`);
    await sleep(pollMs);
  }
}

export function parentOf(pid: number): number {
  return Number(ps(pid, 'ppid'));
}

function ps(pid: number, column: string): string {
  try {
    return execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return 'Z';
  }
}
