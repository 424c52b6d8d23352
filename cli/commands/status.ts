// `millrace status [JOB]`: how jobs on a cluster are doing.

import { Option, type Command } from 'commander';
import { withClusterOptions, type ClusterOptions } from '../deploy/cluster-options.ts';

type StatusOptions = ClusterOptions & { readonly allNamespaces: boolean; readonly output?: 'json' };

export function register(program: Command): void {
  withClusterOptions(
    program
      .command('status')
      .summary('show how jobs on a cluster are doing')
      .description(
        'Without a name: a line for each job of the namespace. With one: its stages, conditions, and the last decisions of the operator. What is not known is Unknown, never zero.',
      )
      .argument('[job]', 'name of the StreamJob'),
  )
    .option('-A, --all-namespaces', 'jobs of all namespaces', false)
    .addOption(new Option('-o, --output <format>', 'json: the objects as the API server has them').choices(['json']))
    .action(async (job: string | undefined, options: StatusOptions) => {
      const { showStatus } = await import('../deploy/show-status.ts');
      process.stdout.write(await showStatus(job ?? null, options));
    });
}
