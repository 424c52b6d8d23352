// A folder as a tar stream, the same bytes for the same content on every machine.
//
// Why not the system's tar: macOS has another one, and archives that differ by who packed them cannot be compared.
//   T1. Order is by name, times are one given time, owners are given or kept; nothing of the packing machine gets in.
//   T2. No file is held in memory; the reader's pace is the writer's (a generator).
//   T3. What a layer cannot carry (devices, sockets, pipes) is refused by name, never left out in silence.
//   T4. Files that share an inode stay one file.
import { strict as assert } from 'node:assert';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';

export const blockBytes = 512;
const readBytes = 1 << 20;
/** The octal size field of the format has eleven digits. */
const fileBytesMax = 8 ** 11 - 1;
const nameBytesMax = 100;
const permissionBits = 0o7777;

export type Owner = { readonly userId: number; readonly groupId: number };
export type TarOptions = {
  /** `kept`: as on disk, by number. */
  readonly owner: Owner | 'kept';
  /** Seconds since 1970, for every entry. */
  readonly mtimeSeconds: number;
};

type Kind = 'file' | 'folder' | 'symlink' | 'hardlink';
export type TarHeader = Owner & {
  readonly name: string;
  readonly kind: Kind;
  readonly mode: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  /** Where a symlink or hardlink points to; else empty. */
  readonly target: string;
};

const typeFlags: Record<Kind, string> = { file: '0', hardlink: '1', symlink: '2', folder: '5' };

/** The tar of everything below `root` (not `root` itself), ended by two empty blocks. */
export async function* tarOfFolder(root: string, options: TarOptions): AsyncGenerator<Buffer> {
  yield* entriesBelow(root, '', options, new Map());
  yield tarEnd();
}

/** The header blocks of one entry, with the blocks for a name or target that is too long for one. */
export function tarHeader(header: TarHeader): Buffer {
  assert(header.sizeBytes <= fileBytesMax, `${header.name}: ${header.sizeBytes} bytes, the format holds ${fileBytesMax}`);
  return Buffer.concat([longText(header.target, 'K'), longText(header.name, 'L'), headerBlock(header, typeFlags[header.kind])]);
}

/** What fills the last block of a file of that size. */
export function tarPadding(sizeBytes: number): Buffer {
  return Buffer.alloc((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
}

export function tarEnd(): Buffer {
  return Buffer.alloc(2 * blockBytes);
}

async function* entriesBelow(root: string, folder: string, options: TarOptions, inodes: Map<string, string>): AsyncGenerator<Buffer> {
  const names = await readdir(join(root, folder));
  names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))); // T1: no locale
  for (const each of names) {
    const name = folder + each;
    const path = join(root, name);
    const stat = await lstat(path);
    const owner = options.owner === 'kept' ? { userId: stat.uid, groupId: stat.gid } : options.owner;
    const header = { name, mode: stat.mode & permissionBits, sizeBytes: 0, target: '', mtimeSeconds: options.mtimeSeconds, ...owner };
    if (stat.isDirectory()) {
      yield tarHeader({ ...header, kind: 'folder', name: `${name}/` });
      yield* entriesBelow(root, `${name}/`, options, inodes);
    } else if (stat.isSymbolicLink()) {
      yield tarHeader({ ...header, kind: 'symlink', mode: 0o777, target: await readlink(path) });
    } else {
      if (!stat.isFile()) throw new Error(`${path} is neither file, folder nor link; an image layer cannot carry it`); // T3
      const first = stat.nlink > 1 ? inodes.get(`${stat.dev}:${stat.ino}`) : undefined;
      if (first !== undefined) {
        yield tarHeader({ ...header, kind: 'hardlink', target: first }); // T4
        continue;
      }
      if (stat.nlink > 1) inodes.set(`${stat.dev}:${stat.ino}`, name);
      yield tarHeader({ ...header, kind: 'file', sizeBytes: stat.size });
      yield* content(path, stat.size);
    }
  }
}

async function* content(path: string, sizeBytes: number): AsyncGenerator<Buffer> {
  let seenBytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: readBytes })) {
    const bytes = chunk as Buffer;
    seenBytes += bytes.length;
    yield bytes;
  }
  if (seenBytes !== sizeBytes) throw new Error(`${path} changed while it was packed: ${sizeBytes} bytes, then ${seenBytes}`);
  yield tarPadding(sizeBytes);
}

/** GNU's form for long texts: an entry of its own before the one that it belongs to. */
function longText(text: string, flag: 'K' | 'L'): Buffer {
  const bytes = Buffer.from(`${text}\0`);
  if (bytes.length <= nameBytesMax + 1) return Buffer.alloc(0);
  const header = { name: '././@LongLink', mode: 0, sizeBytes: bytes.length, target: '', mtimeSeconds: 0, userId: 0, groupId: 0 };
  return Buffer.concat([headerBlock(header, flag), bytes, tarPadding(bytes.length)]);
}

function headerBlock(header: Omit<TarHeader, 'kind'>, flag: string): Buffer {
  const block = Buffer.alloc(blockBytes);
  const put = (text: string, at: number, lengthBytes: number): void => void Buffer.from(text).copy(block, at, 0, lengthBytes);
  const octal = (value: number, at: number, digits: number): void => {
    const text = value.toString(8);
    assert(text.length <= digits, `${header.name}: ${value} does not fit into ${digits} octal digits`);
    put(text.padStart(digits, '0'), at, digits);
  };
  put(header.name, 0, nameBytesMax);
  octal(header.mode, 100, 7);
  octal(header.userId, 108, 7);
  octal(header.groupId, 116, 7);
  octal(header.sizeBytes, 124, 11);
  octal(header.mtimeSeconds, 136, 11);
  put('        ', 148, 8); // the checksum counts as blanks in itself
  put(flag, 156, 1);
  put(header.target, 157, nameBytesMax);
  put('ustar  \0', 257, 8);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  block[154] = 0;
  return block;
}
