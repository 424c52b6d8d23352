// `millrace plan FILE`: how a job would run, without running it.

import { Option, type Command } from 'commander';
import { loadJob } from '../../runtime/adapters/node/load-job.ts';
import { explainPlan } from '../../runtime/plan/explain.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { statechartText } from '../statechart-text.ts';
import { addParameter } from '../parameter-option.ts';

type PlanOptions = {
  readonly json?: boolean;
  readonly mermaid?: boolean;
  readonly statechart?: string;
  readonly set: Readonly<Record<string, string>>;
};

export function register(program: Command): void {
  program
    .command('plan')
    .summary('show how a job would be run: stages, partitions, streams')
    .description(
      'Shows how a job would run: its stages and why they begin where they do, partitions, streams, subjects, what each sink promises. Nothing is started and nothing is connected to.',
    )
    .argument('<file>', 'the job: YAML, JSON or a TypeScript module')
    .option('--set <name=value>', 'value of a parameter; may be given several times', addParameter, {})
    .addOption(new Option('--json', 'print the plan as JSON').conflicts('mermaid'))
    .addOption(new Option('--mermaid', 'print the plan as a Mermaid flowchart').conflicts('json'))
    .addOption(
      new Option(
        '--statechart <transform>',
        'print the statechart of a pattern (of one of its partial matches) or a machine, as an XState configuration in YAML',
      ).conflicts(['json', 'mermaid']),
    )
    .action(async (file: string, { json, mermaid, statechart, set }: PlanOptions) => {
      const { job } = await loadJob(file, { parameters: set });
      if (statechart !== undefined) {
        process.stdout.write(statechartText(planJob(job, {}), statechart));
        return;
      }
      process.stdout.write(`${explainPlan(planJob(job, {}), json === true ? 'json' : mermaid === true ? 'mermaid' : 'text')}\n`);
    });
}
