/** What `read` makes of the environment; a mistake in it is told as it is, and ends the process: a stack would say nothing more. */
export function readOrExit<T>(read: (environment: NodeJS.ProcessEnv) => T): T {
  try {
    return read(process.env);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  }
}
