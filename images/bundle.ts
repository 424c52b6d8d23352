// One file out of a program and all that it imports.
//
//   B1. The same sources give the same bytes: no paths of this machine, no times.
//   B2. Names stay as they are, so that a stack trace can be read; there is no source map to carry along.
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { images, type ImageName, type Program } from './programs.ts';

const repository = resolve(import.meta.dirname, '..');

/** Packages that were written for `require` still call it for Node's own modules. */
const requireForNode = `import { createRequire as createRequireForNode } from 'node:module';
const require = createRequireForNode(import.meta.url);`;

export type Bundle = { readonly file: string; readonly text: string };

/** All files of ours in that image. */
export async function bundleImage(name: ImageName): Promise<readonly Bundle[]> {
  const { programs, hasPage } = images[name];
  if (!hasPage) return bundlePrograms(programs);
  const { bundlePage } = await import('../console/bundle-page.ts'); // not there where an image without a page is made
  const [bundles, { script, style }] = await Promise.all([bundlePrograms(programs), bundlePage()]);
  return [...bundles, { file: 'page.js', text: script }, { file: 'page.css', text: style }];
}

/** Bundles each program. Rejects with all that esbuild has to say. */
export function bundlePrograms(programs: readonly Program[]): Promise<readonly Bundle[]> {
  return Promise.all(
    programs.map(async ({ entry, file }) => {
      const plain = await bundle(entry, {});
      return { file, text: plain.includes('__require(') ? await bundle(entry, { banner: { js: requireForNode } }) : plain };
    }),
  );
}

async function bundle(entry: string, extra: { readonly banner?: { readonly js: string } }): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: repository,
    entryPoints: [join(repository, entry)],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minifySyntax: true,
    keepNames: true, // B2
    legalComments: 'none',
    logLevel: 'silent',
    ...extra,
  });
  return outputFiles[0]?.text ?? '';
}
