// `millrace dlq …`: the dead letters of a running job: why events failed, and putting them in again.

import { InvalidArgumentError, Option, type Command } from 'commander';
import { isDuration, parseDuration } from '../../runtime/base/duration.ts';
import type { DeskOptions } from '../dlq/open-desk.ts';
import type { Selection } from '../dlq/select-letters.ts';

type Common = DeskOptions & Selection;
type Printed = { readonly output: 'text' | 'json' };
type RedriveArguments = Common & Printed & { readonly event?: string; readonly dryRun: boolean; readonly wait: number };

export function register(program: Command): void {
  const dlq = program
    .command('dlq')
    .summary('look at dead letters, and put them in again')
    .description(
      'Events that could not be processed: what they are, why they failed, and putting them in again once the job or the data is mended.',
    );
  printed(common(dlq.command('list'), 'letters by their cause: how many, since when, an example')).action(
    async (job: string, options: Common & Printed) => {
      const { listLetters } = await import('../dlq/look-at-letters.ts');
      process.stdout.write(await listLetters(job, options));
    },
  );
  printed(common(dlq.command('show'), 'letters one by one, whole')).action(async (job: string, options: Common & Printed) => {
    const { showLetters } = await import('../dlq/look-at-letters.ts');
    process.stdout.write(await showLetters(job, options));
  });
  common(dlq.command('export'), 'letters as NDJSON, one a line: {"id", "state", "stage", "atMs", "letter"}').action(
    async (job: string, options: Common) => {
      const { exportLetters } = await import('../dlq/look-at-letters.ts');
      await exportLetters(job, options, (line) => void process.stdout.write(line));
    },
  );
  printed(common(dlq.command('redrive'), 'put letters in again, where they were refused, each once'))
    .option('--event <json>', 'another event in the place of the one letter that --id names')
    .option('--dry-run', 'only tell how many, and to where', false)
    .addOption(new Option('--wait <duration>', 'how long to wait until they are taken in').argParser(duration).default(30_000, '30s'))
    .action(async (job: string, options: RedriveArguments) => {
      const { redriveLetters } = await import('../dlq/decide-letters.ts');
      const { text, exitCode } = await redriveLetters(job, options);
      process.stdout.write(text);
      process.exitCode = exitCode;
    });
  printed(common(dlq.command('drop'), 'mark letters as done without putting them in again; they stay where they are'))
    .requiredOption('--reason <text>', 'why, for who looks later')
    .action(async (job: string, options: Common & Printed & { readonly reason: string }) => {
      const { dropLetters } = await import('../dlq/decide-letters.ts');
      process.stdout.write(await dropLetters(job, options));
    });
}

function common(command: Command, summary: string): Command {
  return command
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
    .argument('<job>', 'name of the job; on a cluster namespace/name')
    .option('--stage <name>', 'only those of this stage, transform, source or sink')
    .option('--code <code>', 'only those with this code, such as MR3002')
    .option('--cause <id>', 'only those of this cause, as list and the console name it')
    .option('--id <id>', 'only this one')
    .option('--limit <n>', 'at most so many, the oldest first', count)
    .option('--all', 'also those that were put in again or dropped', false)
    .option('--nats <url>', 'the NATS server that the job runs on', 'nats://127.0.0.1:4222')
    .option('--credentials <file>', 'credentials for it; on a cluster those of an admin of the job');
}

function printed(command: Command): Command {
  return command.addOption(new Option('-o, --output <form>', 'for people or for programs').choices(['text', 'json']).default('text'));
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError(`must be a whole number from 1 on, not ${JSON.stringify(text)}.`);
  return value;
}

function duration(text: string): number {
  if (!isDuration(text)) throw new InvalidArgumentError(`must be a duration such as 30s or 10m, not ${JSON.stringify(text)}.`);
  return parseDuration(text);
}
