// `node cli/setup/with-node.mjs FILE ARG…`: runs FILE on a Node that is new enough.
//
// Why npm scripts need it: set-up may just have installed the newer Node, but the shell that runs `node a && node b`
// remembers where it found the first `node`, and would run the second with the old one.
import { resolve } from 'node:path';
import { runWithNode } from './node-runtime.mjs';

const [file = '', ...args] = process.argv.slice(2);
await runWithNode(resolve(file), args);
