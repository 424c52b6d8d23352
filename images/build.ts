// `node images/build.ts --out DIR`: our images as archives, without an engine and without a registry.
//
//   --tag T          tag of the images (default: dev)
//   --image NAME     operator or worker; may be given twice (default: both)
//   --bundles        only the bundled programs, as files of DIR (what the Dockerfiles take)
//   --nats-server P  also an image of this static nats-server (2.15.2 or newer)
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { versionOf } from '../cli/setup/nats-server.mjs';
import { bundlePrograms } from './bundle.ts';
import { writeNatsImage } from './nats-image.ts';
import { imageNames, images, type ImageName } from './programs.ts';
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
      'nats-server': { type: 'string' },
    },
  });
  const names = (values.image ?? imageNames).filter(isImageName);
  if (values.out === undefined || names.length !== (values.image ?? imageNames).length) {
    console.error(`usage: node images/build.ts --out DIR [--tag T] [--image ${imageNames.join('|')}]… [--bundles] [--nats-server PATH]`);
    return 2;
  }
  const out = resolve(values.out);
  if (values.bundles) await writeBundles(out, names);
  else await writeArchives({ out, tag: values.tag, names });
  const binary = values['nats-server'];
  if (binary !== undefined) await writeNats(binary, out);
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
  for (const { file, text } of await bundlePrograms(names.flatMap((name) => images[name].programs))) {
    await writeFile(join(out, file), text);
    console.log(`${join(out, file)}  ${megabytes(Buffer.byteLength(text))}`);
  }
}

async function writeNats(binary: string, out: string): Promise<void> {
  const version = versionOf(binary);
  if (version === null) throw new Error(`${binary} is no nats-server that runs here; no image of it was written`);
  const path = join(out, 'nats.tar');
  const { reference } = await writeNatsImage({ binary, version, out: path });
  console.log(`${reference}  ${path}`);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
