// The image of a node as kind expects it: Debian with systemd, our containerd and kubelet, and all images that it will run.
//
// What kind asks of an image is written nowhere; research and trial found it. In short: it starts with systemd, tells its
// version in /kind/version, has the programs that kind calls, and its two default manifests lie in /kind/manifests.
import { chmod, cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeOciArchive } from '../../images/oci-archive.ts';
import { contentOf, ensureArtefact, keyOf, type Log } from './artefact-cache.ts';
import { sourceFolder, type Folders } from './folders.ts';
import { preloadImages } from './image-preload.ts';
import { pinnedVersions, writeInnerImages } from './inner-images.ts';
import { imageDomain } from './kind-config.ts';
import { run } from './program-run.ts';
import type { Program } from './programs.ts';

const suite = 'bookworm';
const packages =
  'systemd iptables nftables conntrack iproute2 ethtool mount kmod libseccomp2 procps util-linux ca-certificates curl runc netbase iputils-ping';
const debootstrapTimeoutMs = 15 * 60_000;
const copyTimeoutMs = 5 * 60_000;

/** Raised when these files' code changes what the image is: code is no input of the hash. */
const recipe = '2';

export type NodeImage = { readonly archive: string; readonly reference: string; readonly key: string };
export type Parts = { readonly programs: Built; readonly base: string; readonly log: Log };
type Built = { readonly paths: Record<Program, string>; readonly keys: readonly string[] };

/** The smallest Debian with what a node needs; made once for all node images. */
export function ensureBase(cache: string, log: Log): Promise<string> {
  const make = async (folder: string): Promise<void> => {
    log('fetching the Debian packages of a node');
    const include = `--include=${packages.replaceAll(' ', ',')}`;
    // In mounts of its own: what it mounts goes with it, however it ends.
    await run('unshare', ['--mount', 'debootstrap', '--variant=minbase', include, suite, folder], { timeoutMs: debootstrapTimeoutMs });
  };
  return ensureArtefact(cache, { name: 'debian', key: keyOf([suite, packages, process.arch]), make }, log);
}

/** The image, by its programs and the base. */
export async function ensureNodeImage(folders: Folders, { programs, base, log }: Parts): Promise<NodeImage> {
  const key = keyOf([recipe, suite, packages, ...programs.keys, ...(await contentOf(join(sourceFolder, 'node')))]);
  const reference = `${imageDomain}/node:${key}`;
  const make = async (folder: string): Promise<void> => {
    const root = join(folder, 'root');
    log('putting the node image together');
    await run('cp', ['-a', base, root], { timeoutMs: copyTimeoutMs });
    await fillRoot(root, programs.paths);
    const images = join(folder, 'images');
    const archives = await writeInnerImages({ folder: images, nodeRoot: root, programs: programs.paths });
    const { containerd, ctr } = programs.paths;
    await preloadImages({ archives, nodeRoot: root, stateFolder: folders.state, containerd, ctr });
    await rm(images, { recursive: true });
    await writeOciArchive({
      out: join(folder, 'node.tar'),
      reference,
      rootFolder: root,
      owner: 'kept',
      env: { container: 'docker' }, // systemd looks for it
      stopSignal: 'SIGRTMIN+3', // systemd's word for "halt"
      entrypoint: ['/usr/local/bin/entrypoint', '/sbin/init'],
    });
    await rm(root, { recursive: true });
  };
  return { archive: join(await ensureArtefact(folders.cache, { name: 'node', key, make }, log), 'node.tar'), reference, key };
}

async function fillRoot(root: string, programs: Record<Program, string>): Promise<void> {
  for (const path of ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/info', 'dev'])
    await empty(join(root, path)); // /dev: an engine gives a container its own; an image cannot carry devices
  for (const path of ['usr/share/i18n', 'var/log', 'tmp', 'run']) await empty(join(root, path));
  await cp(join(sourceFolder, 'node'), root, { recursive: true });
  await chmod(join(root, 'usr/local/bin/entrypoint'), 0o755);
  await writeFile(join(root, 'kind/version'), `${pinnedVersions().kubernetes}\n`);
  const put = async (folder: string, names: readonly Program[]): Promise<void> => {
    await mkdir(join(root, folder), { recursive: true });
    for (const name of names) await cp(programs[name], join(root, folder, name));
  };
  await put('usr/bin', ['kubelet', 'kubeadm', 'kubectl']);
  await put('usr/local/bin', ['containerd', 'containerd-shim-runc-v2', 'ctr', 'crictl']);
  await put('opt/cni/bin', ['ptp', 'loopback', 'host-local', 'portmap']);
  await enableUnits(root);
}

/** Only what a node needs may start. */
async function enableUnits(root: string): Promise<void> {
  const ours = join(root, 'etc/systemd/system');
  const debian = join(root, 'lib/systemd/system');
  for (const entry of await readdir(ours)) if (entry.endsWith('.wants')) await empty(join(ours, entry));
  for (const target of ['multi-user', 'local-fs', 'basic', 'timers']) await empty(join(debian, `${target}.target.wants`));
  await empty(join(debian, 'sockets.target.wants'), (name) => !/udev|initctl/.test(name));
  await empty(join(debian, 'sysinit.target.wants'), (name) => name.includes('journal'));
  const masked =
    'systemd-udevd.service systemd-logind.service systemd-binfmt.service systemd-sysctl.service systemd-remount-fs.service getty.target systemd-tmpfiles-clean.timer';
  for (const unit of masked.split(' ')) await link('/dev/null', join(ours, unit));
  await mkdir(join(ours, 'multi-user.target.wants'), { recursive: true });
  for (const unit of ['containerd.service', 'kubelet.service']) await link(`../${unit}`, join(ours, 'multi-user.target.wants', unit));
  await link('multi-user.target', join(debian, 'default.target'));
  await link('/lib/systemd/systemd', join(root, 'sbin/init'));
  await writeFile(join(root, 'etc/machine-id'), '');
}

async function link(target: string, path: string): Promise<void> {
  await rm(path, { force: true });
  await symlink(target, path);
}

async function empty(folder: string, isKept: (name: string) => boolean = () => false): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (!isKept(name)) await rm(join(folder, name), { recursive: true, force: true });
}
