// Reads one file out of a tar archive (POSIX ustar; release archives hold nothing longer or stranger).
//
// Plain JavaScript without dependencies: set-up runs it before anything is installed.
const blockBytes = 512;

/**
 * The content of the first regular file whose base name is `name`, or null when the archive has none or is cut short.
 * @param {Buffer} archive
 * @param {string} name
 * @returns {Buffer | null}
 */
export function fileInTar(archive, name) {
  for (let at = 0; at + blockBytes <= archive.length;) {
    const path = textAt(archive, at, 100);
    if (path === '') return null;
    const sizeBytes = Number.parseInt(textAt(archive, at + 124, 12).trim(), 8);
    if (!Number.isInteger(sizeBytes)) return null;
    const type = String.fromCharCode(archive[at + 156] ?? 0);
    const start = at + blockBytes;
    if ((type === '0' || type === '\0') && path.split('/').at(-1) === name) {
      return start + sizeBytes <= archive.length ? archive.subarray(start, start + sizeBytes) : null;
    }
    at = start + Math.ceil(sizeBytes / blockBytes) * blockBytes;
  }
  return null;
}

/**
 * @param {Buffer} bytes
 * @param {number} start
 * @param {number} length
 */
function textAt(bytes, start, length) {
  return bytes.toString('latin1', start, start + length).split('\0')[0] ?? '';
}
