// A TypeScript job: its graph with marks where functions were, and its module as a bundle that holds them.
//
//   T1. What is marked is the code of the bundle, loaded as a worker loads it: a mark is a hash of text, and bundling rewrites texts.
//   T2. Parameters are filled in: functions may depend on them, and the worker runs the module again with the same values.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import { loadJob } from '../../runtime/adapters/node/load-job.ts';
import { BadDeclaration } from '../../runtime/base/issues.ts';
import { markJob } from '../../runtime/job/code-marks.ts';
import { codeConfigMaps } from './code-config-map.ts';
import { bundleModule } from './module-bundle.ts';
import { escapeAll } from './resolve-parameters.ts';
import type { SpecPart } from './stream-job-manifest.ts';

export type ModuleRequest = {
  readonly file: string;
  /** Of the job on the cluster. */
  readonly name: string;
  readonly values: Readonly<Record<string, string>>;
};

export async function packModule({ file, name, values }: ModuleRequest): Promise<SpecPart> {
  const bundle = await bundleModule(file);
  const { manifests, reference } = codeConfigMaps(name, bundle, file);
  const { job } = markJob(await loadBundle(bundle, file, values), reference.sha256);
  return { spec: specOf(job), configMaps: manifests, code: reference, notes: [] };
}

/** T1. */
async function loadBundle(bundle: string, file: string, parameters: Readonly<Record<string, string>>): Promise<StreamJob> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bundle-'));
  try {
    const path = join(folder, 'job.mjs');
    await writeFile(path, bundle);
    return (await loadJob(path, { parameters })).job;
  } catch (error) {
    // The module itself was loaded before, so what fails now is due to its place: a worker would fail alike.
    if (error instanceof BadDeclaration)
      throw new BadDeclaration(
        file,
        error.issues.map((issue) => ({
          ...issue,
          path: 'module',
          message: `once bundled into one file it cannot be loaded: ${issue.message}`,
          fix: 'a worker has the bundle only: read no files beside the module, and import no native code',
        })),
      );
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the module says, and no defaults of what it cannot say. */
function specOf({ spec }: StreamJob): SpecPart['spec'] {
  const { description, parameters, partitions, sources, tables, stages, sinks } = spec;
  return {
    ...(description === undefined ? {} : { description: escapeAll(description) }),
    ...(parameters.length === 0 ? {} : { parameters }),
    partitions,
    sources: escapeAll(sources),
    ...(tables.length === 0 ? {} : { tables: escapeAll(tables) }),
    ...(stages.length === 0 ? {} : { stages: escapeAll(stages) }),
    ...(sinks.length === 0 ? {} : { sinks: escapeAll(sinks) }),
  };
}
