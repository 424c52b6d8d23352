// Run by a test as a process of its own: `node bundle-check.ts STREAM-JOB CONFIG-MAP`.
//
// Reads a built job as the operator does, plans it without its code, and puts the code of the bundle in as a worker does; prints
// what that code answers, as JSON.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { StreamJobSpec } from '../../crds/stream-job/spec.ts';
import { loadJob } from '../../runtime/adapters/node/load-job.ts';
import { fillMarks, markJob, planToJson, stubMarks } from '../../runtime/job/code-marks.ts';
import { parseStreamJob } from '../../runtime/job/parse.ts';
import { planJob } from '../../runtime/plan/plan.ts';

const [jobPath = '', codePath = ''] = process.argv.slice(2);
const written = parse(await readFile(jobPath, 'utf8')) as { readonly spec: StreamJobSpec };
const { code, values } = written.spec;
const { data } = parse(await readFile(codePath, 'utf8')) as { readonly data: Readonly<Record<string, string>> };
const job = parseStreamJob(JSON.stringify(written), { file: jobPath, parameters: values });
const plan = planToJson(planJob(stubMarks(job), { rows: 1 }));

const folder = await mkdtemp(join(tmpdir(), 'millrace-check-'));
try {
  const file = join(folder, 'job.mjs');
  await writeFile(file, data[code?.key ?? ''] ?? '');
  const loaded = await loadJob(file, { parameters: values });
  const filled = fillMarks<{ stages: { nodes: { op: Record<string, unknown> }[] }[] }>(plan, markJob(loaded.job, code?.sha256).code);
  const ops = filled.stages.flatMap(({ nodes }) => nodes.map(({ op }) => op));
  const find = (kind: string): Record<string, never> => ops.find((op) => op['kind'] === kind) as Record<string, never>;
  const { filter, map } = { filter: find('filter'), map: find('map') };
  console.log(
    JSON.stringify({
      subject: job.spec.sinks[0]?.nats?.subject,
      passes: ['1', '3'].map((a) =>
        (Object.values(filter).find((value) => typeof value === 'function') as unknown as (row: object) => boolean)({ a }),
      ),
      text: (Object.values(map).find((value) => typeof value === 'function') as unknown as (row: object) => { text: string })({ a: '1' })
        .text,
    }),
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
