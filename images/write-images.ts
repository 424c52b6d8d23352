// The images of operator and worker as archives, made again only when something in them has changed.
//
//   W1. The key of an image is a hash of all that goes into it and of the code that makes it; it lies beside the archive. An archive
//       with another key is made again; one with the same key is what would be made.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleImage, type Bundle } from './bundle.ts';
import { findNodeForImages } from './node-binary.ts';
import { writeOciArchive } from './oci-archive.ts';
import { entrypointOf, imageDomain, images, userId, type ImageName } from './programs.ts';
import { fillRoot, machineFiles } from './root-folder.ts';

export type WriteImages = {
  /** Folder for the archives: `worker.tar` and so on. */
  readonly out: string;
  readonly tag: string;
  readonly names: readonly ImageName[];
};
export type WrittenImage = {
  readonly name: ImageName;
  /** `millrace.test/worker:dev` */
  readonly reference: string;
  readonly path: string;
  readonly imageId: string;
  readonly sizeBytes: number;
  /** Of the bundles in it. */
  readonly programBytes: number;
  /** It was there already, with the same content. */
  readonly isKept: boolean;
};

type Note = { readonly key: string; readonly imageId: string };

/** Writes those images, one after the other. */
export async function writeImages({ out, tag, names }: WriteImages): Promise<readonly WrittenImage[]> {
  const files = machineFiles(findNodeForImages());
  const machineHash = await hashOf([...files].map(([path, source]) => ({ path, source })));
  await mkdir(out, { recursive: true });
  const written: WrittenImage[] = [];
  for (const name of names) {
    const bundles = await bundleImage(name);
    const key = await keyOf({ name, tag, bundles, machineHash });
    const [path, reference] = [join(out, `${name}.tar`), `${imageDomain}/${name}:${tag}`];
    const before = await readNote(path);
    const isKept = before?.key === key;
    const imageId = isKept ? before.imageId : await writeImage({ name, path, reference, files, bundles });
    if (!isKept) await writeFile(notePath(path), JSON.stringify({ key, imageId } satisfies Note));
    const programBytes = bundles.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
    written.push({ name, reference, path, imageId, sizeBytes: (await stat(path)).size, programBytes, isKept });
  }
  return written;
}

type ImageParts = {
  readonly name: ImageName;
  readonly path: string;
  readonly reference: string;
  readonly files: ReadonlyMap<string, string>;
  readonly bundles: readonly Bundle[];
};

async function writeImage({ name, path, reference, files, bundles }: ImageParts): Promise<string> {
  await rm(notePath(path), { force: true }); // W1: no note for an archive that is half replaced
  const root = await mkdtemp(join(tmpdir(), 'millrace-image-'));
  try {
    await fillRoot(root, files, bundles);
    const { imageId } = await writeOciArchive({
      out: path,
      reference,
      rootFolder: root,
      // One arena: with one for each thread an idle worker holds 10 MiB more than it uses.
      env: { NODE_ENV: 'production', MALLOC_ARENA_MAX: '1' },
      user: `${userId}:${userId}`,
      workingDir: '/tmp',
      entrypoint: entrypointOf(name),
      exposedPorts: images[name].exposedPorts,
      labels: { 'org.opencontainers.image.title': `millrace ${name}`, 'org.opencontainers.image.licenses': 'Apache-2.0' },
    });
    return imageId;
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

type KeyParts = { readonly name: ImageName; readonly tag: string; readonly bundles: readonly Bundle[]; readonly machineHash: string };

async function keyOf({ name, tag, bundles, machineHash }: KeyParts): Promise<string> {
  const makers = (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const makersHash = await hashOf(makers.toSorted().map((path) => ({ path, source: join(import.meta.dirname, path) })));
  return createHash('sha256')
    .update(JSON.stringify([name, tag, bundles, machineHash, makersHash]))
    .digest('hex');
}

/** Of names and contents. */
async function hashOf(files: readonly { readonly path: string; readonly source: string }[]): Promise<string> {
  const hash = createHash('sha256');
  for (const { path, source } of files) {
    const bytes = await readFile(source);
    hash.update(`${path}\n${bytes.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}

/** The note of an archive that is there; null when either is missing. */
async function readNote(path: string): Promise<Note | null> {
  try {
    await stat(path);
    return JSON.parse(await readFile(notePath(path), 'utf8')) as Note;
  } catch {
    return null;
  }
}

function notePath(path: string): string {
  return `${path}.json`;
}
