// Which pages of docs/reference there are.

import { referencePage } from './reference.ts';
import { conditionMeanings, phaseMeanings, savepointPhaseMeanings } from './status-meanings.ts';
import { admissionRules } from './stream-job/admission.ts';
import { streamJobColumns } from './stream-job/columns.ts';
import { streamJobRules } from './stream-job/rules.ts';
import { streamJobSpecSchema } from './stream-job/spec.ts';
import { streamJobStatusSchema } from './stream-job/status.ts';
import { streamSavepointColumns } from './stream-savepoint/columns.ts';
import { streamSavepointRules } from './stream-savepoint/rules.ts';
import { streamSavepointSpecSchema, streamSavepointStatusSchema } from './stream-savepoint/spec.ts';
import { structuralSchema } from './structural.ts';

const STREAM_JOB = `\`apiVersion: millrace.dev/v1alpha1\`, \`kind: StreamJob\`, short \`sj\`. One job: sources, stages and sinks. \`millrace validate\`
tells the same mistakes, and with the line; \`kubectl explain sj.spec\` the same meanings.

A name has lower-case letters, digits and dashes, begins with a letter, and has at most 63 of them. A duration is such as 250ms, 10s,
1h30m or 3d. Where any is said, a text or a mapping goes: what exactly, the meaning says.

How it is applied:

- \`millrace deploy FILE\` puts the files and the code of a job beside it. \`kubectl apply -f\` takes what needs neither.
- kubectl reads YAML 1.1: \`y\`, \`n\`, \`yes\`, \`no\`, \`on\`, \`off\` without quotes are no texts. A bare \`on:\` of a machine is taken for what
  was meant; a field named \`n\` is written \`'n'\`.
- A parameter (\`\${name}\`) may stand in expressions, durations of the graph, paths, subjects and other free texts. Not in names, references,
  numbers, switches and choices: the API server checks those before the value is known.
- A mistake that only the operator sees (types of expressions, named outputs, targets of machines) becomes the condition
  Stalled with reason InvalidSpec; no pod is made, and a job that runs goes on as it was.`;

const STREAM_SAVEPOINT = `\`apiVersion: millrace.dev/v1alpha1\`, \`kind: StreamSavepoint\`, short \`ssp\`. The state of a job as it is when this object is
made, kept until it is deleted. A new job begins with it by \`spec.restoreFrom.savepoint\`.`;

/** Text by path, from the folder of the repository. */
export function referencePages(): Readonly<Record<string, string>> {
  return {
    'docs/reference/stream-job.md': referencePage({
      kind: 'StreamJob',
      short: 'sj',
      intro: STREAM_JOB,
      spec: structuralSchema(streamJobSpecSchema),
      status: structuralSchema(streamJobStatusSchema),
      columns: streamJobColumns,
      rules: streamJobRules,
      admission: admissionRules,
      phases: phaseMeanings,
      conditions: conditionMeanings,
    }),
    'docs/reference/stream-savepoint.md': referencePage({
      kind: 'StreamSavepoint',
      short: 'ssp',
      intro: STREAM_SAVEPOINT,
      spec: structuralSchema(streamSavepointSpecSchema),
      status: structuralSchema(streamSavepointStatusSchema),
      columns: streamSavepointColumns,
      rules: streamSavepointRules,
      admission: [],
      phases: savepointPhaseMeanings,
      conditions: { Ready: 'It is taken, and can be restored from.', ...pick(conditionMeanings, ['Reconciling', 'Stalled']) },
    }),
  };
}

function pick<K extends string>(texts: Readonly<Record<K, string>>, names: readonly K[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, texts[name]]));
}
