// The image of NATS for clusters without a registry: the one static program on an empty root, where the official image has it too.
import { chmod, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeOciArchive } from './oci-archive.ts';
import { imageDomain, userId } from './programs.ts';

export type NatsImage = {
  /** A statically linked nats-server. */
  readonly binary: string;
  readonly version: string;
  /** The archive to write. */
  readonly out: string;
};

/** Writes `millrace.test/nats:<version>`; resolves with its name. */
export async function writeNatsImage({
  binary,
  version,
  out,
}: NatsImage): Promise<{ readonly reference: string; readonly imageId: string }> {
  const root = await mkdtemp(join(tmpdir(), 'millrace-image-'));
  try {
    await chmod(root, 0o755);
    await copyFile(binary, join(root, 'nats-server'));
    await chmod(join(root, 'nats-server'), 0o755);
    await mkdir(join(root, 'tmp'));
    await chmod(join(root, 'tmp'), 0o1777);
    const reference = `${imageDomain}/nats:${version}`;
    const entrypoint = ['/nats-server', '-c', '/etc/nats/nats.conf'];
    return { reference, ...(await writeOciArchive({ out, reference, rootFolder: root, user: `${userId}:${userId}`, entrypoint })) };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
