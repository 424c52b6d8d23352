// What an image of a large state takes, in one piece and in blocks: milliseconds, the longest stretch in which nothing else runs, and
// the memory of the process with the state, and at its highest. Each in a process of its own, which is asked for that.
// Then what steps cost that go on beside an image: each gets, changes and puts STEP_CELLS cells at random, and takes its delta.
//   node bench/micro/image.ts [cells]

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PartitionState } from '../../runtime/state/partition-state.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';

const CELLS = 200_000;
const TEXT_CHARACTERS = 400;
const MIB = 1024 * 1024;

const STEP_CELLS = 1_000;
const STEPS_ALONE = 300;
/** After which the event loop has its turn (worker/turns.ts). */
const TURN_MS = 8;

const MODES = {
  'write whole': writeWhole,
  'read whole': readWhole,
  'write blocks': writeBlocks,
  'read blocks': readBlocks,
  steps: stepsBeside,
};

class Stretches {
  longestMs = 0;
  #beganMs = performance.now();

  begin(): void {
    this.#beganMs = performance.now();
  }

  end(): void {
    this.longestMs = Math.max(this.longestMs, performance.now() - this.#beganMs);
  }
}

const random = seededRandom(5);
const [first = String(CELLS), cells = first, file = ''] = process.argv.slice(2);
const mode = Object.entries(MODES).find(([name]) => name === first);
if (mode === undefined) compare(Number(first));
else mode[1](mode[0]);

function compare(count: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-image-'));
  console.log(`node ${process.version}, ${count} cells with a text of ${TEXT_CHARACTERS} characters each`);
  console.log('               bytes, MB   total, ms   longest stretch, ms   with the state, MB   at its highest, MB');
  const run = (name: string): void => {
    const asked = ['--expose-gc', fileURLToPath(import.meta.url), name, String(count), join(folder, 'image')];
    execFileSync(process.execPath, asked, { stdio: 'inherit' });
  };
  try {
    Object.keys(MODES).forEach(run);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function writeWhole(name: string): void {
  write(name, (state) => [state.checkpoint()]);
}

function writeBlocks(name: string): void {
  write(name, (state) => state.image().chunks());
}

function write(name: string, piecesOf: (state: PartitionState) => Iterable<Uint8Array>): void {
  const state = makeState(Number(cells));
  const withState = residentMb();
  const hash = createHash('sha256');
  const to = openSync(file, 'w');
  const beganMs = performance.now();
  const stretches = new Stretches();
  let bytes = 0;
  for (const piece of piecesOf(state)) {
    hash.update(piece);
    bytes += piece.length;
    stretches.end();
    writeSync(to, piece);
    stretches.begin();
  }
  closeSync(to);
  row(name, { bytes, totalMs: performance.now() - beganMs, longestMs: stretches.longestMs, withState });
}

function stepsBeside(name: string): void {
  const state = makeState(Number(cells));
  const withState = residentMb();
  for (let i = 0; i < STEPS_ALONE; i++) step(state);
  const alone = timed(() => {
    for (let i = 0; i < STEPS_ALONE; i++) step(state);
  });
  const beganMs = performance.now();
  const freezeMs = timed(() => state.image().close());
  const chunks = state.image().chunks();
  const stretches = new Stretches();
  let [steps, stepsMs, bytes] = [0, 0, 0];
  for (let next = chunks.next(); next.done !== true;) {
    stretches.begin();
    for (const untilMs = performance.now() + TURN_MS; next.done !== true && performance.now() < untilMs; next = chunks.next())
      bytes += next.value.length;
    stretches.end();
    stepsMs += timed(() => step(state));
    steps++;
  }
  row(name, { bytes, totalMs: performance.now() - beganMs, longestMs: stretches.longestMs, withState });
  const [aloneUs, besideUs] = [alone / STEPS_ALONE, stepsMs / steps].map((ms) => ((ms * 1_000) / STEP_CELLS).toFixed(2));
  console.log(`steps beside it: ${besideUs} µs a cell, without one ${aloneUs} µs; to begin the image took ${freezeMs.toFixed(1)} ms`);
}

function step(state: PartitionState): void {
  const orders = state.cells('orders');
  for (let i = 0; i < STEP_CELLS; i++) {
    const id = Math.floor(random.next() * Number(cells));
    const cell = orders.get(id % 16, `key-${id}`) as { total: number };
    cell.total++;
    orders.put(id % 16, `key-${id}`, cell);
  }
  state.takeDelta();
}

function timed(work: () => void): number {
  const beganMs = performance.now();
  work();
  return performance.now() - beganMs;
}

function readWhole(name: string): void {
  const beganMs = performance.now();
  const image = readFileSync(file);
  const stretches = new Stretches();
  const state = PartitionState.restore(image);
  stretches.end();
  const totalMs = performance.now() - beganMs;
  row(name, { bytes: image.length, totalMs, longestMs: stretches.longestMs, withState: kept(state) });
}

function readBlocks(name: string): void {
  const from = openSync(file, 'r');
  const beganMs = performance.now();
  const stretches = new Stretches();
  const reading = PartitionState.reading();
  let bytes = 0;
  for (
    let chunk = Buffer.alloc(MIB), length = readSync(from, chunk);
    length > 0;
    chunk = Buffer.alloc(MIB), length = readSync(from, chunk)
  ) {
    stretches.begin();
    reading.take(chunk.subarray(0, length));
    stretches.end();
    bytes += length;
  }
  const state = reading.end();
  closeSync(from);
  row(name, { bytes, totalMs: performance.now() - beganMs, longestMs: stretches.longestMs, withState: kept(state) });
}

function makeState(count: number): PartitionState {
  const state = new PartitionState();
  for (let i = 0; i < count; i++) {
    state.cells('orders').put(i % 16, `key-${i}`, { id: i, total: i * 1.5, note: `${i}`.padEnd(TEXT_CHARACTERS, '.') });
    if (i % 1_000 === 0) state.takeDelta();
  }
  state.takeDelta();
  return state;
}

/** Of the process when all that nobody needs is gone, but `state`. */
function kept(state: PartitionState): number {
  const mb = residentMb();
  if (state.bytesEstimate() === 0) throw new Error('nothing was read');
  return mb;
}

function residentMb(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().rss / MIB;
}

type Measured = { readonly bytes: number; readonly totalMs: number; readonly longestMs: number; readonly withState: number };

function row(name: string, { bytes, totalMs, longestMs, withState }: Measured): void {
  const highest = process.resourceUsage().maxRSS / 1024;
  const columns = [(bytes / 1e6).toFixed(0).padStart(11), totalMs.toFixed(0).padStart(11), longestMs.toFixed(1).padStart(21)];
  console.log(`${name.padEnd(13)}${columns.join(' ')} ${withState.toFixed(0).padStart(20)} ${highest.toFixed(0).padStart(20)}`);
}
