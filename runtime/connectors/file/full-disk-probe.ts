// Run by file-sink.test.ts on a file system of 256 kB: `node full-disk-probe.ts FOLDER`.
// Fills it, applies a record until the disk is full, frees space, applies again; prints what happened as JSON.
import { Buffer } from 'node:buffer';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../../base/errors.ts';
import { makeFileSink } from './file-sink.ts';

const [folder = ''] = process.argv.slice(2);
const filler = join(folder, 'filler');
await writeFile(filler, Buffer.alloc(160 * 1024));
const writer = await makeFileSink(
  { name: 'probe', from: 'x', file: { path: 'a.ndjson', format: 'ndjson' } },
  { outDir: join(folder, 'out'), runId: 'run', uniqueId: () => 'u' },
).open(0);
const values = Array.from({ length: 2000 }, (_, i) => ({ i, text: 'x'.repeat(60) }));
const { payload, count, after } = writer.prepare([{ values, times: values.map(() => 0), keys: null, ingestMs: 0 }], { offset: 0 });
const record = { number: 1, payload, count, before: { offset: 0 }, after };
const error: unknown = await writer.apply(record).then(
  () => null,
  (caught: unknown) => caught,
);
await rm(filler);
await writer.apply(record);
await writer.finish();
await writer.close();
const written = await readFile(join(folder, 'out', 'a.ndjson'));
const full = error instanceof MillraceError ? error.code : String(error);
console.log(JSON.stringify({ full, problem: error instanceof Error ? error.message : '', same: written.equals(payload) }));
