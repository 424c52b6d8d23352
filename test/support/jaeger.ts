// A real Jaeger with its storage in memory, for one test: built from Go modules (test/cluster/programs.ts), own ports on 127.0.0.1.
//
//   const jaeger = await startJaeger();
//   afterAll(() => jaeger.stop());

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../cli/local/server-process.ts';
import { findClusterPrograms } from './cluster-programs.ts';
import { JaegerQuery } from './jaeger-query.ts';
import { startSupervised } from './supervised.ts';

export type Jaeger = {
  /** Where spans go: OTLP over HTTP. */
  readonly otlpUrl: string;
  readonly query: JaegerQuery;
  stop(): Promise<void>;
};

const READY_MS = 120_000;

export async function startJaeger(): Promise<Jaeger> {
  const { jaeger: binary } = await findClusterPrograms(['jaeger']);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-jaeger-'));
  const logPath = join(folder, 'log');
  const names = [
    'collector.otlp.http',
    'collector.otlp.grpc',
    'collector.http-server',
    'collector.grpc-server',
    'query.http-server',
    'query.grpc-server',
    'admin.http',
  ];
  const ports: Record<string, number> = {};
  for (const name of names) ports[name] = await freePort();
  const address = (name: string): string => `127.0.0.1:${ports[name]}`;
  const args = names.map((name) => `--${name}.host-port=${address(name)}`);
  const running = await startSupervised({ binary, args, logPath });
  const query = new JaegerQuery(`http://${address('query.http-server')}`);
  for (const deadlineMs = Date.now() + READY_MS; !(await query.isReady()); await sleep(100)) {
    if (running.endedBy !== null || Date.now() > deadlineMs)
      throw new Error(`Jaeger did not start (${running.endedBy}): ${(await readFile(logPath, 'utf8')).slice(-1500)}`);
  }
  return {
    otlpUrl: `http://${address('collector.otlp.http')}`,
    query,
    stop: async () => {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
