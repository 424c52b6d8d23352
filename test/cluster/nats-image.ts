// The image of a NATS server: its static program on an empty root, as the official one without a system is.
import { chmod, cp, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeOciArchive } from '../../images/oci-archive.ts';
import { ensureArtefact, keyOf, type Log } from './artefact-cache.ts';
import { imageDomain } from './kind-config.ts';
import { ensurePrograms, pinnedVersion } from './programs.ts';

/** Raised when this file's code changes what the image is. */
const recipe = '1';

export const natsImage = `${imageDomain}/nats:${pinnedVersion('nats-server', 'github.com/nats-io/nats-server/v2').slice(1)}`;

/** The archive of `natsImage`. Its user is root, as in the official image; a pod may set another. */
export async function ensureNatsArchive(cache: string, log: Log): Promise<string> {
  const { paths, keys } = await ensurePrograms(cache, ['nats-server'], log);
  const make = async (folder: string): Promise<void> => {
    const rootFolder = join(folder, 'root');
    for (const each of ['tmp', 'data', 'usr/local/bin']) await mkdir(join(rootFolder, each), { recursive: true });
    for (const each of ['tmp', 'data']) await chmod(join(rootFolder, each), 0o1777); // any user may write there
    await cp(paths['nats-server'], join(rootFolder, 'nats-server'));
    await symlink('/nats-server', join(rootFolder, 'usr/local/bin/nats-server')); // for pods that name no folder
    const exposedPorts = ['4222/tcp', '6222/tcp', '8222/tcp'];
    await writeOciArchive({ out: join(folder, 'nats.tar'), reference: natsImage, rootFolder, entrypoint: ['/nats-server'], exposedPorts });
    await rm(rootFolder, { recursive: true });
  };
  return join(await ensureArtefact(cache, { name: 'nats', key: keyOf([recipe, natsImage, ...keys]), make }, log), 'nats.tar');
}
