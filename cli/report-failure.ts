// Tells a person why a command failed, and what to do. The one place that turns an error into text and an exit code.
import { BadDeclaration, formatIssue } from '../runtime/base/issues.ts';
import { MillraceError } from '../runtime/base/errors.ts';
import { inertLines } from '../runtime/base/inert.ts';
import { exitCodes } from './exit-codes.ts';

/** Where the text goes; `isTTY` decides about colour. */
export type Terminal = { readonly isTTY?: boolean; write(text: string): unknown };

/** Writes what is known about `error` and returns the exit code for it. */
export function reportFailure(
  error: unknown,
  terminal: Terminal,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): number {
  const red = terminal.isTTY === true && !environment['NO_COLOR'] ? (text: string) => `\u001b[31m${text}\u001b[0m` : (text: string) => text;
  if (error instanceof BadDeclaration) {
    const count = `${error.issues.length} ${error.issues.length === 1 ? 'mistake' : 'mistakes'}`;
    terminal.write(`${red(`${error.subject}: ${count}`)}\n${error.issues.map((issue) => inertLines(formatIssue(issue))).join('\n')}\n`);
    return exitCodes.declaration;
  }
  if (error instanceof MillraceError) {
    terminal.write(`${red(inertLines(error.message))}\n  ${inertLines(error.fix)}\n${causes(error)}`);
    return error.code.startsWith('MR1') ? exitCodes.environment : exitCodes.failed;
  }
  // Neither declared wrong nor the world's fault: a bug of ours, so the stack is what helps.
  terminal.write(
    `${red('Millrace has a bug:')} ${inertLines(error instanceof Error ? (error.stack ?? error.message) : String(error))}\n${causes(error)}`,
  );
  return exitCodes.failed;
}

/** One line each, without those that the line before has said already. */
function causes(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause === undefined) return '';
  const text = cause instanceof Error ? cause.message : JSON.stringify(cause);
  const isSaid = error instanceof Error && error.message.includes(text);
  return `${isSaid ? '' : `  cause: ${inertLines(text)}\n`}${causes(cause)}`;
}
