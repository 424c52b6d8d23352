// The page's program and style, made of console/page by esbuild. A local run does it when it starts (a fraction of a second), the
// operator's image holds the result.

import { resolve } from 'node:path';
import { build } from 'esbuild';

const folder = resolve(import.meta.dirname, 'page');

/** Rejects with all that esbuild has to say. The same sources give the same texts. */
export async function bundlePage(): Promise<{ readonly script: string; readonly style: string }> {
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: { page: './main.tsx' },
    outdir: '/page',
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'esm',
    target: ['chrome114', 'firefox115', 'safari16.4'],
    jsx: 'automatic',
    minify: true,
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
  });
  const text = (ending: string): string => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? '';
  return { script: text('.js'), style: text('.css') };
}
