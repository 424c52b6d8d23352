// `millrace resume JOB`: go on with a job that was suspended.

import type { Command } from 'commander';
import { waitMsOf, withClusterOptions, withWait, type ClusterOptions, type WaitOption } from '../deploy/cluster-options.ts';

export function register(program: Command): void {
  const command = program
    .command('resume')
    .summary('go on with a job that was suspended')
    .description('Starts the workers of a suspended job again. They go on exactly where they stopped.')
    .argument('<job>', 'name of the StreamJob');
  withWait(withClusterOptions(command), 'it is so').action(async (job: string, options: ClusterOptions & WaitOption) => {
    const { setSuspended } = await import('../deploy/set-suspended.ts');
    process.exitCode = await setSuspended(job, false, { ...options, waitMs: waitMsOf(options) });
  });
}
