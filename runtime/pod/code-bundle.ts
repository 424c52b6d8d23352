// The code of a revision: fetched from the job's own store, verified, imported, and handed over by its marks.
//
//   B1. What is run has the sha256 that the record says, or nothing is run.
//   B2. The bundle gets this process's own `millrace` and `xstate`, whether this process is one bundle or many files.
//   B3. A bundle is loaded once a process: its marks do not depend on anything but its text and the parameters.
//   B4. A large bundle comes packed (gzip), and its hash is that of the packed bytes; marks are made with the hash of the text.

import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { BadDeclaration } from '../base/issues.ts';
import { CODE_BYTES_MAX } from '../base/limits.ts';
import { getBytes } from '../journal/blob-bytes.ts';
import type { BlobStore } from '../journal/journal.ts';
import type { PhysicalPlan } from '../plan/physical-plan.ts';
import type { JobRecord } from '../worker/job-record.ts';

export type CodeReference = NonNullable<JobRecord['code']>;
export type CodeSource = {
  readonly blobs: BlobStore;
  readonly code: CodeReference;
  /** Where the bundle may be written. */
  readonly folder: string;
};

/** `plan` with the functions and machines of the bundle in place of their marks. Throws BadDeclaration for a bundle that is not there,
 *  not whole, or does not load, MR1010 when it is another one than the plan was made with. */
export async function fillCode(plan: unknown, { blobs, code, folder }: CodeSource): Promise<PhysicalPlan> {
  const { blob, sha256, parameters } = code;
  const bytes = await getBytes(blobs, blob, sha256);
  if (bytes === null) {
    const message = `the job's store has no bundle ${blob} with sha256 ${sha256}`;
    throw new BadDeclaration('code', [{ path: 'spec.code', message, fix: 'deploy the job again: `millrace deploy`' }]);
  }
  const file = join(folder, `${sha256}.mjs`);
  const text = unpacked(bytes);
  await writeWhole(file, text);
  // Loaded only here: jobs without code need neither the builder nor the schema.
  const [{ loadJob }, { markJob, fillMarks }, millrace, xstate] = await Promise.all([
    import('../adapters/node/load-job.ts'),
    import('../job/code-marks.ts'),
    import('../index.ts'),
    import('../transforms/actor/xstate-module.ts'),
  ]);
  const modules = new Map<string, Readonly<Record<string, unknown>>>([
    ['millrace', millrace],
    ['xstate', xstate],
  ]);
  const { job } = await loadJob(file, { parameters, modules });
  return fillMarks<PhysicalPlan>(plan, markJob(job, createHash('sha256').update(text).digest('hex')).code);
}

/** B4. Throws BadDeclaration for what is no whole gzip. */
export function unpacked(bytes: Uint8Array): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: CODE_BYTES_MAX });
  } catch (error) {
    const message = `the bundle cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`;
    throw new BadDeclaration('code', [{ path: 'spec.code', message, fix: 'deploy the job again: `millrace deploy`' }]);
  }
}

/** Whole or not at all: a worker thread that was ended in the middle leaves no half of it under its name. */
async function writeWhole(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(`${file}.part`, bytes);
  await rename(`${file}.part`, file);
}
