// `millrace build FILE -o DIR`: a job as files for a cluster, without talking to one.

import { join, relative } from 'node:path';
import type { Command } from 'commander';
import { addParameter } from '../parameter-option.ts';

type BuildOptions = {
  readonly output: string;
  readonly set: Readonly<Record<string, string>>;
  readonly name?: string;
  readonly namespace?: string;
};

export function register(program: Command): void {
  program
    .command('build')
    .summary('write a job as files for Kubernetes: for GitOps, or for kubectl')
    .description(
      'Writes what `millrace deploy` would apply: the StreamJob, ConfigMaps with the code of a TypeScript job and with the local files that it reads, and a kustomization.yaml. The same job gives the same bytes.',
    )
    .argument('<file>', 'the job: YAML, JSON or a TypeScript module')
    .requiredOption('-o, --output <dir>', 'folder for the files; made when it is not there')
    .option('--set <name=value>', 'value of a parameter of the job; may be given several times', addParameter, {})
    .option('--name <name>', 'name of the StreamJob (default: the name of the job)')
    .option('-n, --namespace <namespace>', 'namespace of all objects (default: what the job says, else that of who applies)')
    .action(async (file: string, { output, set, name, namespace }: BuildOptions) => {
      const { packageJob } = await import('../deploy/job-package.ts');
      const { packageFiles } = await import('../deploy/package-files.ts');
      const { writePackage } = await import('../deploy/write-package.ts');
      const job = await packageJob(file, { parameters: set, name: name ?? null, namespace: namespace ?? null });
      const files = packageFiles(job);
      await writePackage(output, files);
      for (const [path, text] of Object.entries(files))
        console.log(`${relative('.', join(output, path))}  ${Buffer.byteLength(text)} bytes`);
      for (const note of job.notes) console.log(`note: ${note}`);
      console.log(`Next: kubectl apply --server-side -k ${output}`);
    });
}
