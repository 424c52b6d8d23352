// `millrace explain JOB`: why a job on a cluster has as many workers as it has.

import type { Command } from 'commander';
import { withClusterOptions, type ClusterOptions } from '../deploy/cluster-options.ts';

export function register(program: Command): void {
  withClusterOptions(
    program
      .command('explain')
      .summary('say why a job has as many workers as it has')
      .description(
        'Shows how many workers a job has and is to have, what scaling sees now, what keeps it from more, and the last decisions, each with its arithmetic.',
      )
      .argument('<job>', 'name of the StreamJob'),
  ).action(async (job: string, options: ClusterOptions) => {
    const { explainJob } = await import('../deploy/explain-job.ts');
    process.stdout.write(await explainJob(job, options));
  });
}
