// How long the disk of a folder takes to make a small write safe: what every durable commit has to wait for.

import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { quantilesOf } from './quantiles.ts';
import type { LatencyQuantiles } from './quantiles.ts';

const WRITES = 500;
const WRITE_BYTES = 4096;

export async function syncWriteMs(folder: string): Promise<LatencyQuantiles> {
  const path = join(folder, 'sync-probe');
  const took = new Float64Array(WRITES);
  {
    await using file = await open(path, 'w');
    const data = Buffer.alloc(WRITE_BYTES, 1);
    for (let write = 0; write < WRITES; write++) {
      const startMs = performance.now();
      await file.write(data);
      await file.datasync();
      took[write] = performance.now() - startMs;
    }
  }
  await rm(path);
  return quantilesOf(took);
}
