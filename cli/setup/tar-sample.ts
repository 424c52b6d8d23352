// Makes small tar archives for tests.

const blockBytes = 512;

/** A ustar archive of these files, in this order. */
export function tarOf(files: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(files).map(([path, text]) => {
    const content = Buffer.from(text);
    const header = Buffer.alloc(blockBytes);
    header.write(path, 0, 100, 'latin1');
    header.write(content.length.toString(8).padStart(11, '0'), 124, 'latin1');
    header.write('0', 156, 'latin1');
    return Buffer.concat([header, content, Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes)]);
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)]);
}
