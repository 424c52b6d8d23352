// What the exit code of `millrace` tells a script. A promise: codes are never given another meaning.

export const exitCodes = {
  ok: 0,
  /** It ran, and failed. */
  failed: 1,
  /** The job file or the arguments are wrong. Nothing was started. */
  declaration: 2,
  /** What it needs is not there: a server, a file, a right. */
  environment: 3,
  /** Ctrl-C: drained and committed; the same command goes on where it stopped. */
  interrupted: 130,
} as const;

export const exitCodesHelp = `
Exit codes:
  ${exitCodes.ok}    done
  ${exitCodes.failed}    failed while running
  ${exitCodes.declaration}    the job file or the arguments are wrong; nothing was started
  ${exitCodes.environment}    what it needs is missing: a server, a file, a right
  ${exitCodes.interrupted}  interrupted; the same command goes on where it stopped
`;
