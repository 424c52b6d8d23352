// The commands of the command line, each in a file of its own that is imported when it is called.
import { Command, Help, type Option } from 'commander';
import packageFile from '../package.json' with { type: 'json' };
import { exitCodesHelp } from './exit-codes.ts';

/** A command's module: adds its command, with options and action, to the program. */
export type CommandModule = { readonly register: (program: Command) => void };
export type CommandEntry = { readonly name: string; readonly summary: string; readonly load: () => Promise<CommandModule> };

export const commands: readonly CommandEntry[] = [
  { name: 'run', summary: 'run a job until it is complete, or until Ctrl-C', load: () => import('./commands/run.ts') },
  { name: 'dev', summary: 'run a job, and again whenever its file or a module of it changes', load: () => import('./commands/dev.ts') },
  { name: 'validate', summary: 'check job files, all mistakes at once', load: () => import('./commands/validate.ts') },
  { name: 'plan', summary: 'show how a job would be run: stages, partitions, streams', load: () => import('./commands/plan.ts') },
  { name: 'build', summary: 'write a job as files for Kubernetes: for GitOps, or for kubectl', load: () => import('./commands/build.ts') },
  { name: 'deploy', summary: 'run a job on a Kubernetes cluster', load: () => import('./commands/deploy.ts') },
  { name: 'status', summary: 'show how jobs on a cluster are doing', load: () => import('./commands/status.ts') },
  { name: 'explain', summary: 'say why a job has as many workers as it has', load: () => import('./commands/explain.ts') },
  { name: 'savepoint', summary: 'keep the state of a job on a cluster under a name', load: () => import('./commands/savepoint.ts') },
  { name: 'ask', summary: 'how one key of a running job stands', load: () => import('./commands/ask.ts') },
  { name: 'trace', summary: 'trace every event of one key of a running job, for a while', load: () => import('./commands/trace.ts') },
  { name: 'dlq', summary: 'look at dead letters, and put them in again', load: () => import('./commands/dlq.ts') },
  { name: 'suspend', summary: 'stop the workers of a job on a cluster; its state stays', load: () => import('./commands/suspend.ts') },
  { name: 'resume', summary: 'go on with a job that was suspended', load: () => import('./commands/resume.ts') },
];

/** The program for `args`: the command that they name is loaded, of the others only the summary is known. */
export async function buildProgram(args: readonly string[], entries: readonly CommandEntry[]): Promise<Command> {
  const program = new Command('millrace')
    .description('Actor-based stream processing on NATS JetStream: every event counts exactly once.')
    .version(packageFile.version, '-V, --version')
    .exitOverride()
    .configureHelp({ optionDescription })
    .showSuggestionAfterError()
    .showHelpAfterError('(millrace --help shows the commands)')
    .addHelpText('after', exitCodesHelp);
  const called = calledName(args);
  for (const entry of entries) {
    if (entry.name === called) (await entry.load()).register(program);
    else program.command(entry.name).summary(entry.summary).description(entry.summary);
  }
  for (const command of program.commands) command.exitOverride();
  return program;
}

/** As Commander tells it, without the default of what is absent unless it is given: `false`, and no parameters. */
function optionDescription(this: Help, option: Option): string {
  const isNothing = ['false', '{}'].includes(JSON.stringify(option.defaultValue) ?? '');
  const told = isNothing ? (Object.create(option, { defaultValue: { value: undefined } }) as Option) : option;
  return Help.prototype.optionDescription.call(this, told);
}

/** The command that `args` call; for `help plan` it is plan. */
function calledName(args: readonly string[]): string | undefined {
  const words = args.filter((arg) => !arg.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}
