// `npm run dev`: runs an example at a pace that can be watched, with its console, from the start again whenever code or job
// change.
import { spawn } from 'node:child_process';

const job = process.argv[2] ?? 'examples/flights/stream-job.yaml';
const watched = ['crds', 'runtime', 'cli', 'console', 'examples'].map((folder) => `--watch-path=${folder}`);
const run = ['cli/main.ts', 'run', job, '--name', 'dev', '--fresh', '--speed', '86400x', '--console'];
const child = spawn(process.execPath, [...watched, '--watch-preserve-output', ...run], { stdio: 'inherit' });
process.on('SIGINT', () => {});
child.once('exit', (code) => (process.exitCode = code ?? 1));
