#!/usr/bin/env node
// `millrace`: runs cli/main.ts on a Node that is new enough, whatever Node the machine has.
import { fileURLToPath } from 'node:url';
import { runWithNode } from './setup/node-runtime.mjs';

await runWithNode(fileURLToPath(new URL('./main.ts', import.meta.url)), process.argv.slice(2));
