// The command line of Millrace: reads the arguments, runs one command, ends with a documented exit code.
//
// Owns: which commands there are, and what a failure looks like to a person (report-failure.ts). A command lives in
// commands/, and is loaded only when it is called, so that --help answers at once.
import { CommanderError } from 'commander';
import { buildProgram, commands } from './program.ts';
import { exitCodes } from './exit-codes.ts';
import { reportFailure } from './report-failure.ts';

// Who reads our output may have enough (`| head`): what was started is still ended properly.
for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe);
process.exitCode = await main(process.argv.slice(2));

/** Runs the command line `args`; resolves with the exit code. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const program = await buildProgram(args, commands);
    await program.parseAsync([...args], { from: 'user' });
    return Number(process.exitCode ?? exitCodes.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.declaration;
    return reportFailure(error, process.stderr);
  }
}

function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
