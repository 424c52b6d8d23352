// A process that runs an embedded server in the folder of its argument until it is killed. Prints its process ids.
import { startEmbeddedServer } from '../../cli/local/embedded-server.ts';

const server = await startEmbeddedServer({ dataDir: process.argv[2] ?? '', durability: 'process', job: 'held' });
console.log(JSON.stringify({ serverPid: server.pid, url: server.url }));
setInterval(() => {}, 60_000);
