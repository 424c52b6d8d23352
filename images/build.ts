// `node images/build.ts --out DIR`: our images as archives, without an engine and without a registry.
//
//   --tag T          tag of the images (default: dev)
//   --image NAME     operator or worker; may be given twice (default: both)
//   --bundles        only the bundled programs, as files of DIR (what the Dockerfiles take)
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleImage } from './bundle.ts';
import { imageNames, type ImageName } from './programs.ts';
import { writeImages } from './write-images.ts';

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      tag: { type: 'string', default: 'dev' },
      image: { type: 'string', multiple: true },
      bundles: { type: 'boolean', default: false },
    },
  });
  const names = (values.image ?? imageNames).filter(isImageName);
  if (values.out === undefined || names.length !== (values.image ?? imageNames).length) {
    console.error(`usage: node images/build.ts --out DIR [--tag T] [--image ${imageNames.join('|')}]… [--bundles]`);
    return 2;
  }
  const out = resolve(values.out);
  if (values.bundles) await writeBundles(out, names);
  else await writeArchives({ out, tag: values.tag, names });
  return 0;
}

function isImageName(name: string): name is ImageName {
  return imageNames.some((one) => one === name);
}

async function writeArchives(request: { readonly out: string; readonly tag: string; readonly names: readonly ImageName[] }): Promise<void> {
  for (const { reference, path, sizeBytes, programBytes, isKept } of await writeImages(request))
    console.log(`${reference}  ${path}  ${megabytes(sizeBytes)} (program ${megabytes(programBytes)})${isKept ? ', unchanged' : ''}`);
}

async function writeBundles(out: string, names: readonly ImageName[]): Promise<void> {
  await mkdir(out, { recursive: true });
  for (const { file, text } of (await Promise.all(names.map(bundleImage))).flat()) {
    await writeFile(join(out, file), text);
    console.log(`${join(out, file)}  ${megabytes(Buffer.byteLength(text))}`);
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
