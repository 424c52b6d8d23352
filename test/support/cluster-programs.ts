// The programs of Kubernetes that tests start: from the cache of the test cluster, built when they are not there
// (test/cluster/programs.ts; of several processes one builds and the others wait).
import { foldersOf } from '../cluster/folders.ts';
import { ensurePrograms, type Program } from '../cluster/programs.ts';

/** Where these programs lie. */
export async function findClusterPrograms<P extends Program>(programs: readonly P[]): Promise<Readonly<Record<P, string>>> {
  const { cache } = foldersOf(process.env, process.getuid?.() === 0);
  const { paths } = await ensurePrograms(cache, programs, (line) => console.log(line));
  return paths;
}
