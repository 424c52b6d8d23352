import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const repository = resolve(import.meta.dirname, '../..');
/** Loads a module, and prints which native addons the process then has. */
const LOADED = `await import(process.argv[1]);
console.log(JSON.stringify(process.report.getReport().sharedObjects.filter((path) => path.endsWith('.node'))));
process.exit();`;

test.each(['runtime/start-worker.ts', 'cli/run/run-job.ts', 'operator/operator.ts'])(
  '%s loads no native addon',
  async (module) => {
    const url = pathToFileURL(resolve(repository, module)).href;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', LOADED, url], { timeout: 100_000 });
    expect(JSON.parse(stdout)).toEqual([]);
  },
  60_000,
);
