// kubectl and helm, as a person calls them.

import { spawn } from 'node:child_process';
import { inject } from 'vitest';
import type { Cluster } from '../../cluster/cluster.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Made by setup.ts: how to reach the cluster and what is installed in it. */
    bed: Bed;
  }
}

export type Bed = {
  /** `built`: images come from no registry. */
  readonly kind: Cluster['kind'];
  readonly kubeconfig: string;
  readonly kubectl: string;
  readonly helm3: string;
  readonly helm4: string;
  readonly env: Readonly<Record<string, string>>;
  readonly nodes: readonly string[];
  /** Arguments of `helm install`, but for name, chart and namespace. */
  readonly helmValues: readonly string[];
  /** Of the engine whose containers the nodes are; null: the usual one, or none of ours. */
  readonly dockerHost: string | null;
  /** References of KEDA's images on the nodes; null: nobody asked for them (MILLRACE_KEDA). */
  readonly keda: { readonly operator: string; readonly adapter: string } | null;
};

/** Of a program that is told how long to wait, a little longer than that. */
const LIMIT_MS = 240_000;
export const HELM_LIMIT_MS = 360_000;

export const systemNamespace = 'millrace-system';
export const release = 'millrace';

/** State of jobs outlives them: what is called like nothing before begins with none. */
export function freshName(prefix: string): string {
  return `${prefix}-${Date.now().toString(36).slice(-5)}`;
}

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };
type Options = { readonly input?: string; readonly timeoutMs?: number };

export function run(program: string, args: readonly string[], { input, timeoutMs = LIMIT_MS }: Options = {}): Promise<Ended> {
  return runWith(inject('bed').env, program, args, { timeoutMs, ...(input === undefined ? {} : { input }) });
}

export function runWith(
  env: Readonly<Record<string, string>>,
  program: string,
  args: readonly string[],
  { input, timeoutMs = LIMIT_MS }: Options = {},
): Promise<Ended> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const limit = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes) => (stdout += String(bytes)));
  child.stderr.on('data', (bytes) => (stderr += String(bytes)));
  child.stdin.on('error', () => undefined); // it may end without reading
  child.stdin.end(input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(limit);
      resolve({
        code: code ?? 1,
        stdout,
        stderr: signal === null ? stderr : `${stderr}\nended by ${signal} after at most ${timeoutMs} ms`,
      });
    });
  });
}

/** Rejects with what kubectl said when it ends otherwise than with 0. */
export async function kubectl(args: readonly string[], options: Options = {}): Promise<string> {
  return wanted('kubectl', args, await run(inject('bed').kubectl, args, options));
}

export async function helm(args: readonly string[], options: Options = {}): Promise<string> {
  return wanted('helm', args, await run(inject('bed').helm4, args, { timeoutMs: HELM_LIMIT_MS, ...options }));
}

export function wanted(program: string, args: readonly string[], { code, stdout, stderr }: Ended): string {
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${stderr}${stdout}`);
  return stdout;
}

export async function apply(manifests: string): Promise<string> {
  return kubectl(['apply', '--server-side', '-f', '-'], { input: manifests });
}

/** Asks until `look` gives something else than null. `what` and the last words stand in the error. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  look: () => Promise<T | null>,
  said: () => Promise<string> = async () => '',
): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs / 1000} s: ${what}\n${await said()}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
