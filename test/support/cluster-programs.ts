// The programs of Kubernetes that tests start: from the cache of the test cluster (test/cluster/programs.ts), built when they
// are not there. Builds that others do at the same moment are waited for.
import { setTimeout as sleep } from 'node:timers/promises';
import { claim } from '../../cli/setup/lock.mjs';
import { foldersOf } from '../cluster/folders.ts';
import { ensurePrograms, type Program } from '../cluster/programs.ts';

const pollMs = 1_000;
/** A cold build of the API server takes minutes, and somebody else may be building more than that. */
const waitMs = 40 * 60_000;

/** Where these programs lie. */
export async function findClusterPrograms<P extends Program>(programs: readonly P[]): Promise<Readonly<Record<P, string>>> {
  const { cache } = foldersOf(process.env, process.getuid?.() === 0);
  const deadlineMs = performance.now() + waitMs;
  for (;;) {
    const lock = claim(cache, 'api-server', 'tests that need an API server');
    if (lock.kind === 'mine') {
      try {
        const { paths } = await ensurePrograms(cache, programs, (line) => console.log(line));
        return paths;
      } finally {
        lock.release();
      }
    }
    if (performance.now() > deadlineMs) throw new Error(`process ${lock.by.pid} has been building for more than ${waitMs} ms`);
    await sleep(pollMs);
  }
}
