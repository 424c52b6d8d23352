// `npm run cluster -- up|build|down|status|load ARCHIVE.tar`: the test cluster, by hand.
import { parseArguments, usage, type Command } from './arguments.ts';
import { buildCluster, clusterStatus, downCluster, NoCluster, upCluster } from './cluster.ts';

const startedMs = performance.now();
const log = (line: string): void =>
  console.error(`cluster: ${String(Math.round((performance.now() - startedMs) / 1000)).padStart(4)} s  ${line}`);

const command = parseArguments(process.argv.slice(2));
try {
  if (command === null) {
    console.error(usage);
    process.exitCode = 2;
  } else await act(command);
} catch (error) {
  if (error instanceof NoCluster) console.error(`cluster: none on this machine: ${error.message}`);
  else console.error(`cluster: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof NoCluster ? 3 : 1;
}

async function act(wanted: Command): Promise<void> {
  switch (wanted.kind) {
    case 'up':
      await upCluster({ log });
      for (const line of await clusterStatus()) console.log(line);
      return;
    case 'build':
      return buildCluster({ log });
    case 'down':
      return downCluster({ log });
    case 'status':
      for (const line of await clusterStatus()) console.log(line);
      return;
    case 'load': {
      const cluster = await upCluster({ log });
      for (const archive of wanted.archives) await cluster.loadImage(archive);
      if (wanted.isNatsWanted) log(`loaded ${await cluster.loadServerImage('nats')}`);
      return;
    }
  }
}
