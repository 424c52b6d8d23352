// Which files are generated, and what must be in them.
import { generatedDefinitions } from '../../crds/generate.ts';
import { referencePages } from '../../crds/references.ts';
import { dashboardFiles } from './dashboards.ts';
import { errorDocs } from './error-docs.ts';
import { metricDocs } from './metric-docs.ts';

/** Text by path, from the folder of the repository. */
export async function generatedFiles(): Promise<Readonly<Record<string, string>>> {
  return {
    'docs/errors.md': errorDocs(),
    'docs/reference/metrics.md': metricDocs(),
    ...dashboardFiles(),
    ...generatedDefinitions(),
    ...referencePages(),
  };
}
