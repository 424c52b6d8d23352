// `--name`: another name for a job than the one that its file gives it.

import { nameSchema } from '../crds/stream-job/names.ts';
import type { Issue } from '../runtime/base/issues.ts';

/** What is wrong with `name` as the name of a job: it becomes part of subjects, streams and labels. */
export function wishedNameIssues(name: string): readonly Issue[] {
  const named = nameSchema.safeParse(name);
  return named.success ? [] : [{ path: '--name', message: `${JSON.stringify(name)} ${named.error.issues[0]?.message ?? ''}` }];
}
