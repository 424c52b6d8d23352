import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunkMessages, manifestMessage } from './blob-messages.ts';
import { ChunkLine } from './chunk-line.ts';

const UPLOAD = Buffer.alloc(16, 1);

async function messagesOf(bytes: Uint8Array, upload: Uint8Array = UPLOAD): Promise<readonly Uint8Array[]> {
  const messages: Uint8Array[] = [];
  for await (const message of chunkMessages(upload, [bytes], 24 + 3)) messages.push(message);
  return messages;
}

test('chunks come in order and once, however they lie in the stream, also behind those of an upload that died', async () => {
  const places = fc.array(fc.nat(9), { maxLength: 60 });
  const property = fc.asyncProperty(fc.uint8Array({ maxLength: 30 }), places, async (bytes, order) => {
    const own = await messagesOf(bytes);
    const others = await messagesOf(Buffer.from('another text'), Buffer.alloc(16, 2));
    const manifest = { upload: UPLOAD.toString('hex'), sequence: 0, chunks: own.length, bytes: bytes.length, sha256: '', firstSequence: 0 };
    const line = new ChunkLine(manifest);
    const sent = order.flatMap((place) => [own[place] ?? others[place % others.length]!, others[place % others.length]!]);
    const isAll = own.every((message) => sent.includes(message));
    const given = [...sent, manifestMessage(UPLOAD, manifest), Buffer.from('none of ours')].flatMap((message) => [...line.take(message)]);
    expect(line.isWhole).toBe(isAll);
    expect(Buffer.concat(given)).toEqual(Buffer.from(isAll ? bytes : bytes.subarray(0, Buffer.concat(given).length)));
  });
  await fc.assert(property, { numRuns: 500 });
});
