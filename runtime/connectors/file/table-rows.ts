// A side input's rows, read whole.
//
//   T1. The version is the sha256 of the file's bytes as they are on disk.
//   T2. Bad rows are left out and named; packed data that breaks off is refused: a table that lacks its end would
//       enrich wrongly without anyone seeing it.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { FileTableSpec } from '../../../crds/stream-job/sources.ts';
import { MillraceError } from '../../base/errors.ts';
import type { Value } from '../../event/batch.ts';
import { FileRecords } from './file-records.ts';

export type TableRows = {
  readonly rows: readonly Value[];
  /** Line of each row. */
  readonly lines: readonly number[];
  /** sha256 of the file, hex. */
  readonly version: string;
  /** One sentence per row that was left out, at most ISSUES_MAX, then their number. */
  readonly issues: readonly string[];
};

const ROW_BYTES_MAX = 1_048_576;
const ISSUES_MAX = 1000;

/** Rejects with MR1001 (unreadable, or gzip data that breaks off) or BadDeclaration (columns are missing). */
export async function readTableRows(spec: FileTableSpec, baseDir: string): Promise<TableRows> {
  const path = resolve(baseDir, spec.file.path);
  const records = await FileRecords.open({
    reader: `table ${spec.name}`,
    path,
    file: spec.file,
    schema: spec.schema,
    recordBytesMax: ROW_BYTES_MAX,
  });
  try {
    const rows: Value[] = [];
    const lines: number[] = [];
    const issues: string[] = [];
    let left = 0;
    for (let record = records.next(); record !== 'end'; record = records.next()) {
      if (record === 'more') await records.load();
      else if (record.kind === 'value') {
        rows.push(record.value);
        lines.push(record.line);
      } else {
        left++;
        const why = record.kind === 'bad' ? record.issues.join('; ') : `the row has ${record.bytes} bytes, more than ${ROW_BYTES_MAX}`;
        if (left <= ISSUES_MAX) issues.push(`line ${record.line}: ${why}`);
      }
    }
    if (records.broken !== null) throw new MillraceError('MR1001', { path, problem: records.broken });
    if (left > ISSUES_MAX) issues.push(`${left - ISSUES_MAX} more rows were left out`);
    return { rows, lines, version: await sha256Of(path), issues };
  } finally {
    await records.close();
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
