// The images that the nodes run: one program each on an empty root, already unpacked in the node's own store.
import { cp, mkdir, chmod, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeOciArchive } from '../../images/oci-archive.ts';
import { imageDomain } from './kind-config.ts';
import { run } from './program-run.ts';
import { pinnedVersion, type Program } from './programs.ts';

export type Versions = { readonly kubernetes: string; readonly etcdTag: string; readonly corednsTag: string };

/** kubeadm asks for its images by these tags. */
export function pinnedVersions(): Versions {
  return {
    kubernetes: pinnedVersion('kubernetes', 'k8s.io/kubernetes'),
    etcdTag: pinnedVersion('etcd', 'go.etcd.io/etcd/server/v3').slice(1),
    corednsTag: pinnedVersion('coredns', 'github.com/coredns/coredns'),
  };
}

/** Name and tag of each image, and the program in it. */
export function innerImages({ kubernetes, etcdTag, corednsTag }: Versions): ReadonlyArray<{ tagged: string; program: Program }> {
  return [
    { tagged: 'pause:1', program: 'pause' },
    { tagged: 'nodenet:1', program: 'nodenet' },
    { tagged: `etcd:${etcdTag}`, program: 'etcd' },
    { tagged: `coredns:${corednsTag}`, program: 'coredns' },
    { tagged: `kube-apiserver:${kubernetes}`, program: 'kube-apiserver' },
    { tagged: `kube-controller-manager:${kubernetes}`, program: 'kube-controller-manager' },
    { tagged: `kube-scheduler:${kubernetes}`, program: 'kube-scheduler' },
    { tagged: `kube-proxy:${kubernetes}`, program: 'kube-proxy' },
  ];
}

type Options = { readonly folder: string; readonly nodeRoot: string; readonly programs: Record<Program, string> };

/** Writes all of them as archives; resolves with their paths. */
export async function writeInnerImages({ folder, nodeRoot, programs }: Options): Promise<string[]> {
  const archives: string[] = [];
  for (const { tagged, program } of innerImages(pinnedVersions())) {
    const rootFolder = join(folder, 'root');
    await mkdir(join(rootFolder, 'etc'), { recursive: true });
    await mkdir(join(rootFolder, 'tmp'));
    await chmod(join(rootFolder, 'tmp'), 0o1777);
    const entry = `/usr/local/bin/${program}`;
    await copyInto(rootFolder, entry, programs[program]);
    if (program === 'kube-proxy') for (const path of await nftFiles(nodeRoot)) await copyInto(rootFolder, path, join(nodeRoot, path));
    const out = join(folder, `${program}.tar`);
    await writeOciArchive({ out, reference: `${imageDomain}/${tagged}`, rootFolder, entrypoint: [entry] });
    await rm(rootFolder, { recursive: true });
    archives.push(out);
  }
  return archives;
}

/** kube-proxy calls `nft`, which is not static: it and its libraries, as the node has them. And the names of protocols: without them
 *  `nft` lists `6` where kube-proxy looks for `tcp`, and what kube-proxy does not find it takes away, at each of its hourly rounds. */
async function nftFiles(nodeRoot: string): Promise<string[]> {
  const libraries = await run('chroot', [nodeRoot, 'ldd', '/usr/sbin/nft'], { timeoutMs: 30_000 });
  return ['/usr/sbin/nft', '/etc/protocols', ...(libraries.match(/\/[^ )\n]+/g) ?? [])];
}

async function copyInto(root: string, path: string, source: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await cp(source, join(root, path), { dereference: true });
}
