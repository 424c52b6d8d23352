// Options that all commands have that talk to a cluster, named as kubectl names them.

import { InvalidArgumentError, Option, type Command } from 'commander';
import { isDuration, parseDuration } from '../../runtime/base/duration.ts';

export type ClusterOptions = {
  readonly namespace?: string | undefined;
  readonly context?: string | undefined;
  readonly kubeconfig?: string | undefined;
};

export function withClusterOptions(command: Command): Command {
  return command
    .option('-n, --namespace <namespace>', 'namespace (default: that of the context)')
    .option('--context <name>', 'context of the kubeconfig (default: the current one)')
    .option('--kubeconfig <path>', 'kubeconfig to use (default: $KUBECONFIG, ~/.kube/config)');
}

/** As commander gives `--wait 30s`, `--no-wait`, and neither. */
export type WaitOption = { readonly wait: number | boolean };

const WAIT_DEFAULT_MS = 120_000;

/** `until` completes the sentence: how long to wait until … */
export function withWait(command: Command, until: string): Command {
  return command
    .addOption(new Option('--wait <duration>', `how long to wait until ${until}`).argParser(durationMs).default(WAIT_DEFAULT_MS, '2m'))
    .option('--no-wait', 'do not wait');
}

/** Null: do not wait. */
export function waitMsOf({ wait }: WaitOption): number | null {
  if (wait === false) return null;
  return wait === true ? WAIT_DEFAULT_MS : wait;
}

function durationMs(text: string): number {
  if (!isDuration(text)) throw new InvalidArgumentError(`must be a duration such as 30s or 2m, not ${JSON.stringify(text)}.`);
  return parseDuration(text);
}
