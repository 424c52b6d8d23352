// The contract of the port of blobs: what every implementation answers. Run on the model and on a real server.

import { describe, expect, test } from 'vitest';
import { getBytes, putBytes } from '../../runtime/journal/blob-bytes.ts';
import type { BlobStore } from '../../runtime/journal/journal.ts';

export type BlobBed = {
  openBlobs(job: string): Promise<BlobStore>;
  /** The server dies without a word and comes back with its disk as it was. */
  crash(): Promise<void>;
};

export function blobContract(name: string, bed: () => BlobBed): void {
  describe(`${name}: blobs`, () => {
    test('come back whole, or not at all', async () => {
      const blobs = await bed().openBlobs(`contract${process.pid}`);
      const bytes = new Uint8Array(20 * 1024 * 1024 + 17).map((_byte, i) => (i * 31) >>> 3);
      const sha256 = await putBytes(blobs, 'stage.0.15', bytes);
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(Buffer.compare((await getBytes(blobs, 'stage.0.15', sha256)) ?? text(''), bytes)).toBe(0);
      const other = sha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
      expect(await blobs.get('stage.0.15', other)).toBeNull();
      expect(await blobs.has('stage.0.15', other)).toBe(false);
      expect(await blobs.get('stage.0.16', sha256)).toBeNull();
      expect(await blobs.has('stage.0.16', sha256)).toBe(false);
      expect(await blobs.has('stage.0.15', sha256)).toBe(true);
      expect(await putBytes(blobs, 'stage.0.15', bytes), 'once more, as after a restart').toBe(sha256);
      expect(await blobs.put('stage.0.15', [bytes]), 'or written again').toEqual({ sha256, bytes: bytes.length });
      expect(await getBytes(blobs, 'stage.0.15', sha256)).toHaveLength(bytes.length);
      await blobs.delete('stage.0.15');
      expect(await blobs.get('stage.0.15', sha256)).toBeNull();
      for (const name of ['a.1.2', 'a.1.10', 'ab.1.2', 'a.2.1', 'a.2.2']) await blobs.put(name, [text(name)]);
      await blobs.deleteBefore('a', 'a.3.1');
      await blobs.deleteBefore('a', 'a.2.1');
      const left = await Promise.all(
        ['a.1.2', 'a.1.10', 'ab.1.2', 'a.2.1', 'a.2.2'].map(async (name) => (await getBytes(blobs, name, null)) !== null),
      );
      expect(left, 'what was stored before it, of that name').toEqual([false, false, true, true, true]);
      const empty = await putBytes(blobs, 'empty', new Uint8Array(0));
      expect(await getBytes(blobs, 'empty', empty)).toHaveLength(0);
    });

    test.each([1, 1_000, 1024 * 1024, 3_000_000])('are the same in chunks of %i bytes as in one', async (chunkBytes) => {
      const blobs = await bed().openBlobs(`chunks${process.pid}`);
      const bytes = new Uint8Array(chunkBytes * 5 + 3).map((_byte, i) => (i * 31) >>> 3);
      const chunks = Array.from({ length: 6 + 3 }, (_chunk, i) => bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes));
      const sha256 = await putBytes(blobs, 'whole', bytes);
      expect(await blobs.put('parted', [...chunks, new Uint8Array(0)])).toEqual({ sha256, bytes: bytes.length });
      expect(Buffer.compare((await getBytes(blobs, 'parted', sha256)) ?? text(''), bytes)).toBe(0);
    });

    test('that are stored while the server dies and comes back are whole', async () => {
      const blobs = await bed().openBlobs(`crash${process.pid}`);
      async function* content(): AsyncGenerator<Uint8Array> {
        for (let i = 0; i < 40; i++) {
          if (i === 5 || i === 30) await bed().crash();
          yield new Uint8Array(500_000).fill(i);
        }
      }
      const stored = await blobs.put('a.1', content());
      const whole = Buffer.concat(Array.from({ length: 40 }, (_chunk, i) => new Uint8Array(500_000).fill(i)));
      expect(Buffer.compare((await getBytes(blobs, 'a.1', stored.sha256)) ?? text(''), whole)).toBe(0);
    });

    test('whose content fails are not there', async () => {
      const blobs = await bed().openBlobs(`fails${process.pid}`);
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield new Uint8Array(3_000_000);
        await Promise.resolve();
        throw new RangeError('no more');
      }
      await expect(blobs.put('a.1', failing())).rejects.toThrow('no more');
      expect(await blobs.get('a.1', null)).toBeNull();
      const sha256 = await putBytes(blobs, 'a.1', text('whole'));
      expect(Buffer.from((await getBytes(blobs, 'a.1', sha256))!).toString()).toBe('whole');
    });

    test('that are deleted while they are read are told to be torn, and a reader may stop early', async () => {
      const blobs = await bed().openBlobs(`deleted${process.pid}`);
      const { sha256 } = await blobs.put('large', Array<Uint8Array>(24).fill(new Uint8Array(1024 * 1024)));
      const early = (await blobs.get('large', sha256))!;
      for await (const chunk of early) if (chunk.length > 0) break;
      const reading = (async () => {
        for await (const chunk of (await blobs.get('large', sha256))!) if (chunk.length > 0) await blobs.delete('large');
      })();
      await expect(reading).rejects.toMatchObject({ code: 'MR2106' });
    });
  });
}

function text(value: string): Uint8Array {
  return Buffer.from(value);
}
