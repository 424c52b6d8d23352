import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, link, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeOciArchive, type OciImage } from './oci-archive.ts';

type Entry = { readonly kind: string; readonly mode: string; readonly owner: string; readonly target: string; readonly content: Buffer };

const long = `${'long-'.repeat(30)}name`;
let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-oci-'));
  await writeTree('root');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('files, modes, folders, long names and links arrive in the layer, in the order of their names', async () => {
  const layer = entriesOf(await layerOf(await write({ owner: { userId: 7, groupId: 8 } })));
  expect([...layer].map(([name, { kind, mode, owner, target }]) => `${kind} ${mode} ${owner} ${name}${target && ` -> ${target}`}`)).toEqual(
    [
      '5 1777 7:8 a/',
      '0 755 7:8 a/run',
      '2 777 7:8 a/same -> run',
      `2 777 7:8 a/to-long -> ${long}`,
      '1 755 7:8 b -> a/run',
      `0 644 7:8 ${long}`,
      '0 644 7:8 é',
    ],
  );
  expect(layer.get('a/run')?.content.toString()).toBe('x'.repeat(1000));
  expect(layer.get('é')?.content.length).toBe(0);
});

test('the same content gives the same bytes, whatever the order and time of its making', async () => {
  const first = await readFile(await write({}));
  await rm(join(folder, 'root'), { recursive: true });
  await writeTree('root');
  await utimes(join(folder, 'root', 'é'), 1000, 1000);
  expect((await readFile(await write({}))).equals(first)).toBe(true);
});

test.each(['none', 'gzip'] as const)('every digest and size is that of its blob (%s)', async (compression) => {
  const outer = entriesOf(await readFile(await write({ compression })));
  const bytesOf = (descriptor: { digest: string; size: number }): Buffer => {
    const { content } = outer.get(`blobs/sha256/${descriptor.digest.slice(7)}`) ?? { content: Buffer.alloc(0) };
    expect([sha256(content), content.length]).toEqual([descriptor.digest, descriptor.size]);
    return content;
  };
  const json = (bytes: Buffer | undefined) => JSON.parse(String(bytes));
  const manifest = json(bytesOf(json(outer.get('index.json')?.content).manifests[0]));
  const config = json(bytesOf(manifest.config));
  const layer = bytesOf(manifest.layers[0]);
  expect(config.rootfs.diff_ids).toEqual([sha256(compression === 'gzip' ? gunzipSync(layer) : layer)]);
  expect(json(outer.get('manifest.json')?.content)).toEqual([
    {
      Config: `blobs/sha256/${manifest.config.digest.slice(7)}`,
      RepoTags: ['millrace.test/it:1'],
      Layers: [`blobs/sha256/${manifest.layers[0].digest.slice(7)}`],
    },
  ]);
});

test('what the image says of its process is in its configuration', async () => {
  const outer = entriesOf(
    await readFile(
      await write({
        env: { A: '1' },
        user: '65532:65532',
        workingDir: '/app',
        entrypoint: ['/run'],
        cmd: ['x'],
        labels: { l: 'v' },
        stopSignal: 'SIGINT',
        exposedPorts: ['1/tcp'],
      }),
    ),
  );
  const config = [...outer.values()].map(({ content }) => content.toString()).find((text) => text.startsWith('{"architecture"'));
  expect(JSON.parse(config ?? '').config).toEqual({
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'A=1'],
    User: '65532:65532',
    WorkingDir: '/app',
    Entrypoint: ['/run'],
    Cmd: ['x'],
    Labels: { l: 'v' },
    StopSignal: 'SIGINT',
    ExposedPorts: { '1/tcp': {} },
  });
});

test('a pipe is refused by name and leaves no file', async () => {
  execFileSync('mkfifo', [join(folder, 'root', 'pipe')]);
  await expect(write({})).rejects.toThrow(/root\/pipe is neither file, folder nor link/);
  await expect(readFile(join(folder, 'out.tar'))).rejects.toThrow('ENOENT');
});

async function write(options: Partial<OciImage>): Promise<string> {
  const out = join(folder, 'out.tar');
  await writeOciArchive({ out, reference: 'millrace.test/it:1', rootFolder: join(folder, 'root'), ...options });
  return out;
}

async function writeTree(name: string): Promise<void> {
  const root = join(folder, name);
  await mkdir(join(root, 'a'), { recursive: true });
  await chmod(join(root, 'a'), 0o1777);
  await writeFile(join(root, 'a', 'run'), 'x'.repeat(1000));
  await chmod(join(root, 'a', 'run'), 0o755);
  await symlink('run', join(root, 'a', 'same'));
  await symlink(long, join(root, 'a', 'to-long'));
  await link(join(root, 'a', 'run'), join(root, 'b'));
  for (const file of [long, 'é']) await writeFile(join(root, file), '', { mode: 0o644 });
}

async function layerOf(archive: string): Promise<Buffer> {
  const outer = entriesOf(await readFile(archive));
  const [manifest] = JSON.parse(String(outer.get('manifest.json')?.content));
  return outer.get(manifest.Layers[0])?.content ?? Buffer.alloc(0);
}

/** An own small reader, so that a fault of the writer is not read back by itself. */
function entriesOf(tar: Buffer): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  const text = (at: number, length: number): string => tar.toString('utf8', at, at + length).split('\0')[0] ?? '';
  const [longTexts, octal] = [new Map<string, string>(), (at: number, length: number) => Number.parseInt(text(at, length), 8)];
  for (let at = 0; text(at, 100) !== '';) {
    const size = octal(at + 124, 12);
    const kind = text(at + 156, 1);
    const content = tar.subarray(at + 512, at + 512 + size);
    const sum = tar.subarray(at, at + 512).reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
    expect(octal(at + 148, 8)).toBe(sum);
    if (kind === 'L' || kind === 'K') longTexts.set(kind, content.toString().replace(/\0$/, ''));
    else {
      const owner = `${octal(at + 108, 8)}:${octal(at + 116, 8)}`;
      const target = longTexts.get('K') ?? text(at + 157, 100);
      entries.set(longTexts.get('L') ?? text(at, 100), { kind, mode: octal(at + 100, 8).toString(8), owner, target, content });
      longTexts.clear();
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return entries;
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
