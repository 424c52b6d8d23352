// `millrace deploy FILE`: a job onto a cluster, until it runs or is refused.

import { Option, type Command } from 'commander';
import { waitMsOf, withClusterOptions, withWait, type ClusterOptions, type WaitOption } from '../deploy/cluster-options.ts';
import { addParameter } from '../parameter-option.ts';

type DeployOptions = ClusterOptions &
  WaitOption & {
    readonly set: Readonly<Record<string, string>>;
    readonly name?: string;
    readonly dryRun?: 'server';
    readonly force: boolean;
  };

export function register(program: Command): void {
  const command = program
    .command('deploy')
    .summary('run a job on a Kubernetes cluster')
    .description(
      'Applies a job to a cluster where Millrace is installed, with the code of a TypeScript job and the local files that it reads in ConfigMaps, and waits until it runs. Run again it changes only what changed: a stage whose code and expressions are the same goes on undisturbed.',
    )
    .argument('<file>', 'the job: YAML, JSON or a TypeScript module')
    .option('--set <name=value>', 'value of a parameter of the job; may be given several times', addParameter, {})
    .option('--name <name>', 'name of the StreamJob (default: the name of the job)');
  withWait(withClusterOptions(command), 'it is ready')
    .addOption(new Option('--dry-run <where>', 'server: the cluster checks it all and stores nothing').choices(['server']))
    .option('--force', 'take over fields that somebody else keeps (an autoscaler, a GitOps tool)', false)
    .action(async (file: string, options: DeployOptions) => {
      const { deployJob } = await import('../deploy/deploy-job.ts');
      const { set, name, namespace, context, kubeconfig, force, dryRun } = options;
      process.exitCode = await deployJob(file, {
        parameters: set,
        name: name ?? null,
        cluster: { namespace, context, kubeconfig },
        force,
        dryRun: dryRun === 'server',
        waitMs: waitMsOf(options),
      });
    });
}
