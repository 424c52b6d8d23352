// What was asked for on the command line: pure.

export type Command =
  | { readonly kind: 'up' | 'build' | 'down' | 'status' }
  | { readonly kind: 'load'; readonly archives: readonly string[]; readonly isNatsWanted: boolean };

export const usage = `usage: npm run cluster -- COMMAND
  up                   makes the test cluster, or keeps the one that is there
  build                makes what \`up\` needs and starts nothing: from cold the longest part
  down                 removes it; what was built stays in the cache
  status               tells what is there, and how to use it by hand
  load ARCHIVE.tar …   puts images onto every node; \`nats\` stands for the NATS server's
MILLRACE_CLUSTER=auto|built|stock|existing says which kind (test/cluster/README.md).`;

/** Null: nothing that we know. */
export function parseArguments([command, ...rest]: readonly string[]): Command | null {
  switch (command) {
    case 'up':
    case 'build':
    case 'down':
    case 'status':
      return rest.length === 0 ? { kind: command } : null;
    case 'load':
      if (rest.length === 0) return null;
      return { kind: 'load', archives: rest.filter((one) => one !== 'nats'), isNatsWanted: rest.includes('nats') };
    default:
      return null;
  }
}
