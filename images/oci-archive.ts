// A container image, as one tar file, from a folder: without an engine and without a registry.
//
// The file loads with `docker load`, `ctr images import` and `kind load image-archive`: it is an OCI layout (index.json) and
// an engine's own save file (manifest.json) at once, both naming the same blobs.
//   A1. The same folder and options give the same bytes (tar-folder.ts, T1).
//   A2. The layer is streamed once: its header is written afterwards, when its digest, which is its name, is known.
//   A3. `out` appears whole, by a rename, or not at all.
import { createHash, type Hash } from 'node:crypto';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { blockBytes, tarEnd, tarHeader, tarOfFolder, tarPadding, type Owner } from './tar-folder.ts';

export type OciImage = {
  /** The file to write. */
  readonly out: string;
  /** Name and tag, as a pod names it. The name begins with a host-like part (`millrace.test/worker:1`), else engines add one. */
  readonly reference: string;
  /** What becomes the root of the image, as its only layer. */
  readonly rootFolder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** `65532:65532`, or a name in the image's own /etc/passwd. Default: root. */
  readonly user?: string;
  readonly workingDir?: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly stopSignal?: string;
  /** `4222/tcp` */
  readonly exposedPorts?: readonly string[];
  /** Owner of every file, or `kept` as on disk. Default: root. */
  readonly owner?: Owner | 'kept';
  /** Seconds since 1970, of every file and of the image. Default: 0. */
  readonly mtimeSeconds?: number;
  /** Default: `none`; inside one machine, packing costs more than it saves. */
  readonly compression?: 'none' | 'gzip';
  /** Default: this machine's, in the words of images. */
  readonly architecture?: string;
};

type Blob = { readonly digest: string; readonly sizeBytes: number };
type Layer = Blob & { readonly diffId: string };

const mediaType = 'application/vnd.oci.image';
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const architectures: Partial<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** Writes the image; resolves with its id (the digest of its configuration) as engines show it. */
export async function writeOciArchive(image: OciImage): Promise<{ readonly imageId: string }> {
  const draft = `${image.out}.${process.pid}.tmp`;
  await mkdir(dirname(image.out), { recursive: true });
  const file = await open(draft, 'w');
  try {
    const imageId = await writeImage(file, image);
    await file.close();
    await rename(draft, image.out); // A3
    return { imageId };
  } catch (error) {
    await file.close();
    await rm(draft, { force: true });
    throw error;
  }
}

async function writeImage(file: FileHandle, image: OciImage): Promise<string> {
  const layer = await writeLayer(file, image);
  const parts: Buffer[] = [tarPadding(layer.sizeBytes)];
  const add = (name: string, bytes: Buffer): void => void parts.push(fileHeader(name, bytes.length), bytes, tarPadding(bytes.length));
  const addBlob = (value: unknown): Blob => {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = createHash('sha256').update(bytes).digest('hex');
    add(blobName(digest), bytes);
    return { digest, sizeBytes: bytes.length };
  };
  const config = addBlob(configOf(image, layer));
  const manifest = addBlob(manifestOf(image, config, layer));
  add('index.json', Buffer.from(JSON.stringify(indexOf(image, manifest))));
  const save = { Config: blobName(config.digest), RepoTags: [image.reference], Layers: [blobName(layer.digest)] };
  add('manifest.json', Buffer.from(JSON.stringify([save])));
  add('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
  parts.push(tarEnd());
  const tail = Buffer.concat(parts);
  await file.write(tail, 0, tail.length, blockBytes + layer.sizeBytes);
  return `sha256:${config.digest}`;
}

/** A2. The layer lies behind the one block that its header will fill. */
async function writeLayer(file: FileHandle, image: OciImage): Promise<Layer> {
  const [diff, blob] = [createHash('sha256'), createHash('sha256')];
  let at = blockBytes;
  const source = Readable.from(tarOfFolder(image.rootFolder, { owner: image.owner ?? rootOwner, mtimeSeconds: image.mtimeSeconds ?? 0 }));
  const sink = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of chunks) {
      blob.update(chunk);
      await file.write(chunk, 0, chunk.length, at);
      at += chunk.length;
    }
  };
  if (image.compression === 'gzip') await pipeline(source, hashing(diff), createGzip({ level: 6 }), sink);
  else await pipeline(source, hashing(diff), sink);
  const layer = { digest: blob.digest('hex'), diffId: diff.digest('hex'), sizeBytes: at - blockBytes };
  await file.write(fileHeader(blobName(layer.digest), layer.sizeBytes), 0, blockBytes, 0);
  return layer;
}

const rootOwner: Owner = { userId: 0, groupId: 0 };

function hashing(hash: Hash): (chunks: AsyncIterable<Buffer>) => AsyncGenerator<Buffer> {
  return async function* (chunks) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
}

function configOf(image: OciImage, layer: Layer): unknown {
  const { env = {}, exposedPorts = [] } = image;
  return {
    architecture: architectureOf(image),
    os: 'linux',
    created: new Date((image.mtimeSeconds ?? 0) * 1000).toISOString(),
    config: {
      Env: Object.entries({ PATH: defaultPath, ...env }).map(([name, value]) => `${name}=${value}`),
      ...(image.user === undefined ? {} : { User: image.user }),
      ...(image.workingDir === undefined ? {} : { WorkingDir: image.workingDir }),
      ...(image.entrypoint === undefined ? {} : { Entrypoint: image.entrypoint }),
      ...(image.cmd === undefined ? {} : { Cmd: image.cmd }),
      ...(image.labels === undefined ? {} : { Labels: image.labels }),
      ...(image.stopSignal === undefined ? {} : { StopSignal: image.stopSignal }),
      ...(exposedPorts.length === 0 ? {} : { ExposedPorts: Object.fromEntries(exposedPorts.map((port) => [port, {}])) }),
    },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer.diffId}`] },
    history: [{ created_by: 'millrace' }],
  };
}

function manifestOf(image: OciImage, config: Blob, layer: Blob): unknown {
  const packing = image.compression === 'gzip' ? '+gzip' : '';
  return {
    schemaVersion: 2,
    mediaType: `${mediaType}.manifest.v1+json`,
    config: { mediaType: `${mediaType}.config.v1+json`, digest: `sha256:${config.digest}`, size: config.sizeBytes },
    layers: [{ mediaType: `${mediaType}.layer.v1.tar${packing}`, digest: `sha256:${layer.digest}`, size: layer.sizeBytes }],
  };
}

function indexOf(image: OciImage, manifest: Blob): unknown {
  const tag = /:([\w.-]+)$/.exec(image.reference)?.[1];
  if (tag === undefined) throw new Error(`image reference ${image.reference} has no tag; nothing was written`);
  return {
    schemaVersion: 2,
    manifests: [
      {
        mediaType: `${mediaType}.manifest.v1+json`,
        digest: `sha256:${manifest.digest}`,
        size: manifest.sizeBytes,
        platform: { architecture: architectureOf(image), os: 'linux' },
        annotations: { 'io.containerd.image.name': image.reference, 'org.opencontainers.image.ref.name': tag },
      },
    ],
  };
}

function architectureOf(image: OciImage): string {
  return image.architecture ?? architectures[process.arch] ?? process.arch;
}

function blobName(digest: string): string {
  return `blobs/sha256/${digest}`;
}

function fileHeader(name: string, sizeBytes: number): Buffer {
  return tarHeader({ name, kind: 'file', mode: 0o644, sizeBytes, target: '', mtimeSeconds: 0, userId: 0, groupId: 0 });
}
