// `millrace dev FILE`: `millrace run`, again and again.

import { type Command } from 'commander';
import { runAgainAndAgain } from '../run/run-again.ts';
import { addRunOptions, type RunOptions } from './run.ts';

/** Beside what `millrace run` keeps, which nobody starts over by a change of a file. */
const DATA_DEFAULT = '.millrace/dev';

export function register(program: Command): void {
  const command = program
    .command('dev')
    .summary('run a job, and again whenever its file or a module of it changes')
    .description(
      'Runs a job as `millrace run` does, with its console, and watches the file and the modules that it imports. After a change the ' +
        'run is stopped (what is in flight is stored) and goes on with the new declaration; where its state does not fit, it starts ' +
        'over and says why. Mistakes are printed, and it waits for the next change. Ctrl-C ends it.',
    );
  addRunOptions(command, DATA_DEFAULT).action(async (file: string, options: RunOptions) => {
    const given = (command.parent as Command & { readonly rawArgs: readonly string[] }).rawArgs;
    process.exitCode = await runAgainAndAgain(file, [
      'run',
      ...given.filter((_argument, at) => at !== given.indexOf('dev')),
      '--data',
      options.data,
      '--fresh-if-changed',
      '--stay',
      ...(options.console === undefined ? ['--console'] : []),
    ]);
  });
}
