// `millrace ask JOB TRANSFORM KEY`: the live state of one key, from the worker that owns it.

import { InvalidArgumentError, type Command } from 'commander';
import { isDuration } from '../../runtime/base/duration.ts';
import type { AtLeast } from '../../runtime/worker/taken-in.ts';

type AskOptions = { readonly atLeast?: AtLeast; readonly wait: string; readonly nats: string; readonly credentials?: string };

export function register(program: Command): void {
  program
    .command('ask')
    .summary('how one key of a running job stands')
    .description(
      "Asks the worker that owns a key for its state, timers and machine's states, and prints the answer as JSON. Changes nothing. With --at-least the answer is no older than a message that was published to a source of the job.",
    )
    .argument('<job>', 'name of the job; on a cluster namespace/name')
    .argument('<transform>', 'name of the stage, or of its node in millrace plan')
    .argument('<key>', 'the key: a text, or JSON such as 7 or ["a",1]')
    .option('--at-least <subject:sequence>', 'wait until the owner has taken in that message (JetStream tells its sequence)', atLeast)
    .option('--wait <duration>', 'how long to wait for that, and for the owner', duration, '10s')
    .option('--nats <url>', 'the NATS server that the job runs on', 'nats://127.0.0.1:4222')
    .option('--credentials <file>', 'credentials for it; on a cluster those of an admin of the job')
    .action(async (job: string, transform: string, key: string, options: AskOptions) => {
      const { askKey } = await import('../run/ask-key.ts');
      const { nats: natsUrl, credentials = null, wait: timeout, atLeast: token } = options;
      const fresh = token === undefined ? {} : { atLeast: token };
      console.log(JSON.stringify(await askKey(key, { job, transform, natsUrl, credentials, timeout, ...fresh }), null, 2));
    });
}

function atLeast(text: string): AtLeast {
  const [, subject, sequence] = /^(.+):(\d+)$/.exec(text) ?? [];
  if (subject === undefined)
    throw new InvalidArgumentError(`must be a subject and a sequence such as orders.eu:17, not ${JSON.stringify(text)}.`);
  return { subject, sequence: Number(sequence) };
}

function duration(text: string): string {
  if (!isDuration(text)) throw new InvalidArgumentError(`must be a duration such as 5s, not ${JSON.stringify(text)}.`);
  return text;
}
