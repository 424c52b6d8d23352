// `millrace suspend JOB`: stop the workers of a job on a cluster; its state stays.

import type { Command } from 'commander';
import { waitMsOf, withClusterOptions, withWait, type ClusterOptions, type WaitOption } from '../deploy/cluster-options.ts';

export function register(program: Command): void {
  const command = program
    .command('suspend')
    .summary('stop the workers of a job on a cluster; its state stays')
    .description(
      'Lets the workers of a job hand in what they have and stop. State and positions stay: `millrace resume` goes on exactly there.',
    )
    .argument('<job>', 'name of the StreamJob');
  withWait(withClusterOptions(command), 'it is so').action(async (job: string, options: ClusterOptions & WaitOption) => {
    const { setSuspended } = await import('../deploy/set-suspended.ts');
    process.exitCode = await setSuspended(job, true, { ...options, waitMs: waitMsOf(options) });
  });
}
