// Everything that is generated from the schema: the custom resource definitions and the admission policy, as plain files
// (`kubectl apply --server-side -f crds/`) and as templates of the chart.

import { stringify } from 'yaml';
import { chartTemplate } from './chart-template.ts';
import { customResourceDefinition } from './definition.ts';
import { streamJobAdmission } from './stream-job/admission.ts';
import { streamJobColumns, streamJobScale } from './stream-job/columns.ts';
import { streamJobLists, streamJobRules } from './stream-job/rules.ts';
import { streamJobSpecSchema } from './stream-job/spec.ts';
import { streamJobStatusSchema } from './stream-job/status.ts';
import { streamSavepointColumns } from './stream-savepoint/columns.ts';
import { streamSavepointLists, streamSavepointRules } from './stream-savepoint/rules.ts';
import { streamSavepointSpecSchema, streamSavepointStatusSchema } from './stream-savepoint/spec.ts';
import { structuralSchema, type Json } from './structural.ts';

/** What lies in one file. */
export type Generated = { readonly file: string; readonly source: string; readonly objects: readonly Json[] };

export function streamJobDefinition(): Json {
  return customResourceDefinition({
    names: { kind: 'StreamJob', plural: 'streamjobs', singular: 'streamjob', short: 'sj' },
    description: 'A stream job: sources, stages and sinks, and how its workers run on this cluster.',
    spec: structuralSchema(streamJobSpecSchema),
    status: structuralSchema(streamJobStatusSchema),
    rules: streamJobRules,
    lists: streamJobLists,
    columns: streamJobColumns,
    scale: streamJobScale,
  });
}

export function streamSavepointDefinition(): Json {
  return customResourceDefinition({
    names: { kind: 'StreamSavepoint', plural: 'streamsavepoints', singular: 'streamsavepoint', short: 'ssp' },
    description: 'A savepoint: the kept state of one StreamJob, taken when this object is made.',
    spec: structuralSchema(streamSavepointSpecSchema),
    status: structuralSchema(streamSavepointStatusSchema),
    rules: streamSavepointRules,
    lists: streamSavepointLists,
    columns: streamSavepointColumns,
  });
}

const definitions = (): readonly Generated[] => [
  { file: 'millrace.dev_streamjobs.yaml', source: 'crds/stream-job', objects: [streamJobDefinition()] },
  { file: 'millrace.dev_streamsavepoints.yaml', source: 'crds/stream-savepoint', objects: [streamSavepointDefinition()] },
  { file: 'millrace.dev_admission.yaml', source: 'crds/stream-job/admission.ts', objects: streamJobAdmission() },
];

/** Text by path, from the folder of the repository. */
export function generatedDefinitions(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    definitions().flatMap(({ file, source, objects }) => {
      const made = `# Made by \`npm run generate\` from ${source}. Do not edit.\n`;
      return [
        [`crds/${file}`, `${made}${objects.map(yamlOf).join('---\n')}`],
        [`charts/millrace/templates/crds/${file}`, `${made}${chartTemplate(objects)}`],
      ];
    }),
  );
}

export function yamlOf(value: Json): string {
  // kubectl and Helm read YAML 1.1, where a bare `on` is a boolean.
  return stringify(value, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false });
}
