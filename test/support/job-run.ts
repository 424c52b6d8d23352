// A job that a test declares as text, run in a folder of its own, and what came out of it: results and dead letters.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import type { RunControl, RunRequest } from '../../cli/run/run-job.ts';
import type { DeadLetter } from '../../runtime/event/batch.ts';
import { type FlightsRun as JobRun, runFlights } from './flights-run.ts';

/** The text of a job of that name; `spec` as YAML, indented by two. */
export function jobText(name: string, spec: string): string {
  return `apiVersion: millrace.dev/v1alpha1\nkind: StreamJob\nmetadata: { name: ${name} }\nspec:\n${spec}`;
}

/** Writes the job into `folder` and runs it there: data in `data`, results in `out`. */
export async function runText(
  folder: string,
  text: string,
  options: Partial<RunRequest> = {},
  control: Partial<RunControl> = {},
): Promise<JobRun> {
  const file = join(folder, 'job.yaml');
  await writeFile(file, text);
  return runFlights(folder, { file, ...options }, control);
}

/** The values of a file of lines. */
export async function readLines(...path: string[]): Promise<unknown[]> {
  const text = await readFile(join(...path), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}

export async function readDeadLetters(outDir: string): Promise<DeadLetter[]> {
  return (await readLines(outDir, 'dead-letters.ndjson')) as DeadLetter[];
}

/** Stream that a sink makes for its subject. */
export function streamOfSubject(subject: string): string {
  return subject.replace(/[^A-Za-z0-9_-]/g, '_');
}

/** The values of all messages of `subject`, in order. */
export async function readSubject(url: string, subject: string, stream = streamOfSubject(subject)): Promise<unknown[]> {
  const connection = await connectNats({ url, name: 'test' });
  try {
    const values: unknown[] = [];
    for (let sequence = 1; ;) {
      const answer = await callApi<{ message: { seq: number; data: string } }>(Link.of(connection), `STREAM.MSG.GET.${stream}`, {
        seq: sequence,
        next_by_subj: subject,
      });
      if (answer.kind !== 'ok') return values;
      const lines = Buffer.from(answer.value.message.data, 'base64').toString('utf8').split('\n');
      values.push(...lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown));
      sequence = answer.value.message.seq + 1;
    }
  } finally {
    await connection.close();
  }
}
