// The programs that suites and people call.
import type { Log } from './artefact-cache.ts';
import type { MachineFacts } from './cluster-plan.ts';
import { whereIs } from './program-run.ts';
import { ensurePrograms, type Program } from './programs.ts';

/** Absolute paths; of kind an empty one where it is not needed and not there. */
export type Tools = { readonly kind: string; readonly kubectl: string; readonly helm3: string; readonly helm4: string };

/** The pinned ones, built with Go; without Go those of the PATH (`helm` for both helms). */
export async function ensureTools(cache: string, facts: MachineFacts, log: Log, { isKindNeeded = true } = {}): Promise<Tools> {
  if (facts.goVersion !== null) {
    const { kind, kubectl, helm3, helm4 } = (await ensurePrograms(cache, ['kind', 'kubectl', 'helm3', 'helm4'], log)).paths;
    return { kind, kubectl, helm3, helm4 };
  }
  const found = (program: Program | 'helm'): string => {
    const path = whereIs(program);
    if (path === null) throw new Error(`${program} is not on the PATH, and there is no Go to build it with`);
    return path;
  };
  return {
    kind: isKindNeeded ? found('kind') : (whereIs('kind') ?? ''),
    kubectl: found('kubectl'),
    helm3: whereIs('helm3') ?? found('helm'),
    helm4: whereIs('helm4') ?? found('helm'),
  };
}
