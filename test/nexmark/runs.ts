// The Nexmark queries of examples/nexmark as a user runs them: what tests of them share.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { runJob } from '../../cli/run/run-job.ts';
import type { RunOutcome } from '../../cli/run/run-job.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';

export type QueryFile = { readonly query: number; readonly name: 'stream-job.yaml' | 'job.ts' };

/** As Beam does it: each 50 in a row in another order, up to 490 ms late. */
const SHUFFLED_TOGETHER = 50;

export function jobFile({ query, name }: QueryFile): string {
  return fileURLToPath(new URL(`../../examples/nexmark/q${query}/${name}`, import.meta.url));
}

/** `logs`: what the workers told, for who asks why it failed. */
export async function runYaml(
  query: number,
  options: {
    readonly folder: string;
    readonly outDir: string;
    readonly natsUrl: string;
    readonly workers: number;
    readonly events: string | null;
    /** Of `state` of the job; absent: all of it is in memory. */
    readonly memory?: string;
  },
): Promise<{ readonly outcome: RunOutcome; readonly logs: string }> {
  const { folder, outDir, natsUrl, workers, events, memory } = options;
  const logs: string[] = [];
  const file = jobFile({ query, name: 'stream-job.yaml' });
  const outcome = await runJob(
    {
      file: memory === undefined ? file : await withMemory(file, memory, join(folder, `q${query}-on-disk.yaml`)),
      workers,
      natsUrl,
      dataDir: join(folder, 'data'),
      outDir,
      speed: null,
      parameters: events === null ? {} : { events },
      name: null,
      fresh: false,
      durability: 'process',
      isolation: 'thread',
    },
    { onOpen: () => undefined, onProgress: () => undefined, onLog: (line) => logs.push(line) },
    { interrupt: new AbortController().signal },
  );
  return { outcome, logs: logs.join('\n') };
}

/** The job with a bound on the memory of its state, written to `copy`. */
async function withMemory(file: string, memory: string, copy: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  await writeFile(copy, text.replace(/^spec:$/m, `spec:\n  state: { memory: '${memory}' }`));
  return copy;
}

/** Streams reserve their largest size: those of all runs together are more than a server has. */
export async function removeStreams(natsUrl: string): Promise<void> {
  const connection = await connect({ servers: natsUrl });
  try {
    const manager = await jetstreamManager(connection);
    for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name);
  } finally {
    await connection.close();
  }
}

export function shuffle(ndjson: string): string {
  const random = seededRandom(7);
  const lines = ndjson.split('\n').filter((line) => line !== '');
  for (let from = 0; from < lines.length; from += SHUFFLED_TOGETHER) {
    const count = Math.min(SHUFFLED_TOGETHER, lines.length - from);
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(random.next() * (i + 1));
      [lines[from + i], lines[from + j]] = [lines[from + j] as string, lines[from + i] as string];
    }
  }
  return `${lines.join('\n')}\n`;
}
