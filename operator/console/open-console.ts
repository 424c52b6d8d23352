// The console of a cluster: served by every replica of the operator, also by those that do not lead.
//
//   OC1. The operator runs jobs whether or not its console can be served: what is wrong with it is logged.
//   OC2. What the console asks the API server goes over connections of its own, and is never a write of the operator's.

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startConsoleServer } from '../../console/console-server.ts';
import { pageFiles } from '../../console/page-files.ts';
import type { Clock, Random } from '../../runtime/base/clock.ts';
import { KubeClient } from '../kube/kube-client.ts';
import type { KubeConnection } from '../kube/kube-config.ts';
import { KubeTransport } from '../kube/kube-transport.ts';
import type { Log } from '../log.ts';
import type { ConsoleOptions } from '../options.ts';
import { ClusterConsole, type WatchedJobs } from './cluster-console.ts';

export type OpenConsoleParts = {
  readonly options: ConsoleOptions;
  readonly connection: KubeConnection;
  readonly jobs: WatchedJobs;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
};

const TICK_MS = 250;

/** null: it is not served (OC1). */
export async function openConsole(parts: OpenConsoleParts): Promise<{ close(): Promise<void> } | null> {
  const { options, connection, jobs, clock, random, log } = parts;
  const transport = new KubeTransport(connection); // OC2
  const { jaegerUrl, allowRedrive } = options;
  const source = new ClusterConsole({ jobs, client: new KubeClient({ transport }), clock, random, jaegerUrl, allowRedrive });
  try {
    const page = pageFiles(await bundleIn(options.pageFolder ?? dirname(process.argv[1] ?? '')));
    const server = await startConsoleServer({ source, page, host: null, port: options.port, hostNames: null, tickMs: TICK_MS });
    log('info', `the console listens at port ${server.port}`);
    return {
      close: async () => {
        source.close();
        await server.close();
        transport.close();
      },
    };
  } catch (error) {
    source.close();
    transport.close();
    log('error', `the console is not served: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

async function bundleIn(folder: string): Promise<{ readonly script: string; readonly style: string }> {
  const [script, style] = await Promise.all(['page.js', 'page.css'].map((file) => readFile(join(folder, file), 'utf8')));
  return { script: script ?? '', style: style ?? '' };
}
