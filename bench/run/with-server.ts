// A nats-server of our own for one benchmark, every write of which is synced, with a folder that is removed afterwards.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedServer } from '../../cli/local/embedded-server.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import type { RunPlace } from './measure-run.ts';

export async function withServer<T>(use: (place: RunPlace) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'));
  try {
    const server = await startEmbeddedServer({ dataDir: join(folder, 'nats'), durability: 'machine' });
    try {
      const nc = await connectNats({ url: server.url, name: 'millrace bench' });
      try {
        return await use({ server, nc, folder });
      } finally {
        await nc.close();
      }
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
