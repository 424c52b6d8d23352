// `millrace validate FILE…`: every mistake of every file, and what is most likely not meant.

import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { loadJob } from '../../runtime/adapters/node/load-job.ts';
import { MillraceError } from '../../runtime/base/errors.ts';
import { BadDeclaration, formatIssue, type Issue } from '../../runtime/base/issues.ts';
import { counted } from '../../runtime/base/quantity.ts';
import { checkJobText } from '../../runtime/plan/check.ts';
import { findWarnings, validateJob } from '../../runtime/plan/validate.ts';
import { exitCodes } from '../exit-codes.ts';
import { addParameter } from '../parameter-option.ts';

type ValidateOptions = { readonly json: boolean; readonly set: Readonly<Record<string, string>> };
type FileReport = {
  readonly file: string;
  readonly job: string | null;
  readonly mistakes: readonly Issue[];
  readonly warnings: readonly Issue[];
  readonly unreadable: boolean;
};

export function register(program: Command): void {
  program
    .command('validate')
    .summary('check job files, all mistakes at once')
    .description(
      'Checks job files without running anything: syntax, schema, references, types of expressions.\nEvery mistake of every file is reported with its place, what was found and what is allowed.',
    )
    .argument('<files...>', 'jobs: YAML, JSON or TypeScript modules')
    .option('--set <name=value>', 'value of a parameter; may be given several times', addParameter, {})
    .option('--json', 'print the result as JSON', false)
    .action(async (files: readonly string[], options: ValidateOptions) => {
      const reports: FileReport[] = [];
      for (const file of files) reports.push(await checkFile(file, options.set));
      process.stdout.write(`${options.json ? JSON.stringify(reports.map(toJson), null, 2) : reports.map(toText).join('\n')}\n`);
      process.exitCode = exitCodeOf(reports);
    });
}

async function checkFile(file: string, parameters: Readonly<Record<string, string>>): Promise<FileReport> {
  try {
    if (!/\.(ya?ml|json)$/.test(file)) return await checkModule(file, parameters);
    const { job, mistakes, warnings } = checkJobText(await readFile(file, 'utf8'), { file, parameters });
    return { file, job: job?.metadata.name ?? null, mistakes, warnings, unreadable: false };
  } catch (error) {
    if (error instanceof BadDeclaration) return { file, job: null, mistakes: error.issues, warnings: [], unreadable: false };
    const reason = error instanceof MillraceError ? (error.cause ?? error) : error;
    const problem = reason instanceof Error ? reason.message : String(reason);
    return { file, job: null, mistakes: [{ path: '(root)', message: `cannot be read: ${problem}` }], warnings: [], unreadable: true };
  }
}

async function checkModule(file: string, parameters: Readonly<Record<string, string>>): Promise<FileReport> {
  const { job } = await loadJob(file, { parameters });
  const mistakes = validateJob(job);
  return { file, job: job.metadata.name, mistakes, warnings: mistakes.length > 0 ? [] : findWarnings(job), unreadable: false };
}

function toText({ file, job, mistakes, warnings }: FileReport): string {
  const verdict = mistakes.length === 0 ? `ok, job ${job}` : counted(mistakes.length, 'mistake');
  const notes = warnings.length === 0 ? '' : `, ${counted(warnings.length, 'warning')}`;
  return [
    `${file}: ${verdict}${notes}`,
    ...mistakes.map(formatIssue),
    ...warnings.map((issue) => formatIssue(issue).replace(/^ {2}/, '  warning ')),
  ].join('\n');
}

function toJson({ file, job, mistakes, warnings }: FileReport): unknown {
  return { file, job, valid: mistakes.length === 0, mistakes, warnings };
}

function exitCodeOf(reports: readonly FileReport[]): number {
  if (reports.some(({ unreadable }) => unreadable)) return exitCodes.environment;
  return reports.some(({ mistakes }) => mistakes.length > 0) ? exitCodes.declaration : exitCodes.ok;
}
