// The program of the feeder: `feed` with what its pod says. Bundled into one file (README.md), it needs nothing but Node.

import { feed } from './feed.ts';

const [file] = process.argv.slice(2);
const { NATS_URL: natsUrl, NATS_CREDENTIALS: credentials } = process.env;

async function main(): Promise<void> {
  if (file === undefined || natsUrl === undefined) throw new Error('usage: NATS_URL=nats://… node feeder.cjs FILE');
  const { stored, messages } = await feed({ file, natsUrl, credentials });
  console.log(`${stored} of ${messages} messages stored, ${messages - stored} were there`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
