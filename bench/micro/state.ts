// What state costs that does not fit memory: cells of a text, got, changed and put at random in steps of STEP_CELLS, each with its delta,
// with all values in memory and with a share of them. Each in a process of its own: microseconds of CPU a cell, the heap, and resident memory.
//   node bench/micro/state.ts [cells]

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DiskValues } from '../../runtime/adapters/node/disk-values.ts';
import { PartitionState } from '../../runtime/state/partition-state.ts';
import { ValueMemory } from '../../runtime/state/value-memory.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';

const CELLS = 200_000;
const SIZES = [100, 2_000];
/** Of all values; null: not bounded. */
const SHARES = [null, 1.2, 0.5, 0.1, 0.02];
const STEP_CELLS = 1_000;
const STEPS = 300;
const MIB = 1024 * 1024;

const [cells = String(CELLS), characters, share] = process.argv.slice(2);
if (characters === undefined || share === undefined) compare(Number(cells));
else measure(Number(cells), Number(characters), share === 'null' ? null : Number(share));

function compare(count: number): void {
  console.log(`node ${process.version}, ${count} cells`);
  console.log('characters   share in memory   µs of CPU a cell   heap, MB   resident, MB   values on disk, MB   read from disk');
  for (const size of SIZES)
    for (const each of SHARES)
      execFileSync(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), String(count), String(size), String(each)], {
        stdio: 'inherit',
      });
}

function measure(count: number, size: number, memoryShare: number | null): void {
  const bounds = { memoryBytes: (memoryShare ?? 0) * count * (size + 20), diskBytes: Infinity };
  const onTrouble = (error: unknown): never => {
    throw error;
  };
  const memory =
    memoryShare === null
      ? null
      : new ValueMemory({ bounds, open: () => new DiskValues(), monotonicMs: () => performance.now(), onTrouble });
  const state = new PartitionState(memory);
  const node = state.cells('node');
  const text = (n: number): string => String(n).padEnd(size, 'x');
  for (let i = 0; i < count; i++) {
    node.put(0, `key-${i}`, { n: 0, text: text(i) });
    if (i % STEP_CELLS === 0) state.takeDelta();
  }
  state.takeDelta();
  const random = seededRandom(5);
  const readBefore = memory?.read ?? 0;
  const before = process.cpuUsage();
  for (let step = 0; step < STEPS; step++) {
    for (let i = 0; i < STEP_CELLS; i++) {
      const key = `key-${Math.floor(random.next() * count)}`;
      const cell = node.get(0, key) as { n: number; text: string };
      cell.n++;
      node.put(0, key, cell);
    }
    state.takeDelta();
  }
  const { user, system } = process.cpuUsage(before);
  globalThis.gc?.();
  const row = [
    String(size).padStart(10),
    (memoryShare === null ? 'all' : `${memoryShare * 100} %`).padStart(17),
    ((user + system) / (STEPS * STEP_CELLS)).toFixed(1).padStart(18),
    (process.memoryUsage().heapUsed / MIB).toFixed(0).padStart(10),
    (process.memoryUsage().rss / MIB).toFixed(0).padStart(14),
    (state.diskBytes / MIB).toFixed(0).padStart(20),
    `${Math.round((((memory?.read ?? 0) - readBefore) / (STEPS * STEP_CELLS)) * 100)} %`.padStart(16),
  ];
  console.log(row.join(' '));
  state.close();
}
