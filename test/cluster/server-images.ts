// Images of the servers that the chart brings, and of KEDA: their static program on an empty root, as official ones without a system are.
import { chmod, cp, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeOciArchive } from '../../images/oci-archive.ts';
import { ensureArtefact, keyOf, type Log } from './artefact-cache.ts';
import { imageDomain } from './kind-config.ts';
import { ensurePrograms, pinnedVersion, programSources, type Program } from './programs.ts';

export type Server = 'nats' | 'jaeger' | 'keda' | 'keda-adapter';

/** Raised when this file's code changes what an image is. */
const recipe = '1';

type Recipe = {
  readonly program: Program;
  readonly module: string;
  /** Where any user may write. */
  readonly folders: readonly string[];
  readonly exposedPorts: readonly string[];
};

const recipes: Readonly<Record<Server, Recipe>> = {
  nats: {
    program: 'nats-server',
    module: 'github.com/nats-io/nats-server/v2',
    folders: ['tmp', 'data'],
    exposedPorts: ['4222/tcp', '6222/tcp', '8222/tcp'],
  },
  jaeger: {
    program: 'jaeger',
    module: 'github.com/jaegertracing/jaeger',
    folders: ['tmp'],
    exposedPorts: ['4318/tcp', '16686/tcp', '14269/tcp'],
  },
  keda: { program: 'keda', module: 'github.com/kedacore/keda/v2', folders: ['tmp'], exposedPorts: ['8080/tcp', '9666/tcp'] },
  'keda-adapter': { program: 'keda-adapter', module: 'github.com/kedacore/keda/v2', folders: ['tmp'], exposedPorts: ['6443/tcp'] },
};

/** `millrace.test/nats:2.15.2` */
export function serverImage(server: Server): string {
  const { program, module } = recipes[server];
  return `${imageDomain}/${server}:${pinnedVersion(programSources[program].module, module).slice(1)}`;
}

/** The archive of `serverImage`. Its user is root, as in the official ones; a pod may set another. */
export async function ensureServerArchive(server: Server, cache: string, log: Log): Promise<string> {
  const { program, folders, exposedPorts } = recipes[server];
  const reference = serverImage(server);
  const { paths, keys } = await ensurePrograms(cache, [program], log);
  const make = async (folder: string): Promise<void> => {
    const rootFolder = join(folder, 'root');
    for (const each of [...folders, 'usr/local/bin']) await mkdir(join(rootFolder, each), { recursive: true });
    for (const each of folders) await chmod(join(rootFolder, each), 0o1777);
    await cp(paths[program], join(rootFolder, program));
    await symlink(`/${program}`, join(rootFolder, 'usr/local/bin', program)); // for pods that name no folder
    await writeOciArchive({ out: join(folder, `${server}.tar`), reference, rootFolder, entrypoint: [`/${program}`], exposedPorts });
    await rm(rootFolder, { recursive: true });
  };
  return join(
    await ensureArtefact(cache, { name: `${server}-image`, key: keyOf([recipe, reference, ...keys]), make }, log),
    `${server}.tar`,
  );
}
