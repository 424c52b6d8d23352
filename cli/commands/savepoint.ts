// `millrace savepoint JOB`: keeps the state of a job under a name.

import type { Command } from 'commander';
import { waitMsOf, withClusterOptions, withWait, type ClusterOptions, type WaitOption } from '../deploy/cluster-options.ts';

type SavepointOptions = ClusterOptions & WaitOption & { readonly name?: string; readonly keep: boolean };

export function register(program: Command): void {
  const command = program
    .command('savepoint')
    .summary('keep the state of a job on a cluster under a name')
    .description(
      'Takes a savepoint: the state of all partitions of a job, kept until the StreamSavepoint is deleted. A new job starts from it with spec.restoreFrom: { savepoint: NAME }.',
    )
    .argument('<job>', 'name of the StreamJob')
    .option('--name <name>', 'name of the savepoint (default: the name of the job and the time)')
    .option('--keep', 'the state stays even when the StreamSavepoint is deleted', false);
  withWait(withClusterOptions(command), 'it is taken').action(async (job: string, options: SavepointOptions) => {
    const { takeSavepoint } = await import('../deploy/take-savepoint.ts');
    process.exitCode = await takeSavepoint(job, { ...options, waitMs: waitMsOf(options) });
  });
}
