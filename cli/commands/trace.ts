// `millrace trace JOB --key K`: follows one key of a running job.

import { InvalidArgumentError, Option, type Command } from 'commander';
import { isDuration, parseDuration } from '../../runtime/base/duration.ts';

type TraceOptions = {
  readonly key: string;
  readonly for: number;
  readonly stop: boolean;
  readonly nats: string;
  readonly credentials?: string;
};

export function register(program: Command): void {
  program
    .command('trace')
    .summary('trace every event of one key of a running job, for a while')
    .description(
      'Has the workers of a running job trace every event of one key, from the stage that gives it its key on, without a restart. The job must be traced (docs/operations/tracing.md). Results are the same with and without.',
    )
    .argument('<job>', 'name of the job; on a cluster namespace/name')
    .requiredOption('--key <key>', 'the key: a text, or JSON such as 7 or ["a",1] for other keys; "7" in quotes is the text')
    .addOption(new Option('--for <duration>', 'how long').argParser(duration).default(600_000, '10m'))
    .option('--stop', 'no longer', false)
    .option('--nats <url>', 'the NATS server that the job runs on', 'nats://127.0.0.1:4222')
    .option('--credentials <file>', 'credentials for it; on a cluster those of an admin of the job')
    .action(async (job: string, options: TraceOptions) => {
      const { followKey } = await import('../run/follow-key.ts');
      const { nats: natsUrl, credentials = null, key, for: forMs, stop } = options;
      console.log(await followKey(job, { natsUrl, credentials, key, forMs: stop ? 0 : forMs }));
    });
}

function duration(text: string): number {
  if (!isDuration(text)) throw new InvalidArgumentError(`must be a duration such as 30s or 10m, not ${JSON.stringify(text)}.`);
  return parseDuration(text);
}
