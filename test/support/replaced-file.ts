// A file with other content at once, as a Secret changes under a pod: who reads it sees the one before or this one.
import { rename, writeFile } from 'node:fs/promises';

export async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}
