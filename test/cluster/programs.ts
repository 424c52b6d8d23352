// The programs of the cluster, built from Go modules. Versions are pinned by the go.mod and go.sum of each folder of modules/.
//
//   P1. All are static (no cgo): they run in any image and in any root, an empty one too.
//   P2. The same sources and the same Go give the same bytes (-trimpath, no version control stamp).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contentOf, ensureArtefact, keyOf, type Log } from './artefact-cache.ts';
import { sourceFolder } from './folders.ts';
import { run } from './program-run.ts';

const buildTimeoutMs = 40 * 60_000;

type Source = {
  readonly module: string;
  readonly package: string;
  readonly setVersion?: 'kubernetes' | 'containerd';
  /** Build constraints that leave out what is not needed. */
  readonly tags?: string;
};

const kubernetes = (program: string): Source => ({
  module: 'kubernetes',
  package: `k8s.io/kubernetes/cmd/${program}`,
  setVersion: 'kubernetes',
});
const containerd = (program: string): Source => ({
  module: 'containerd',
  package: `github.com/containerd/containerd/v2/cmd/${program}`,
  setVersion: 'containerd',
});
const cni = (path: string): Source => ({ module: 'cni', package: `github.com/containernetworking/plugins/plugins/${path}` });

/** In the order of building: what shows a broken machine early comes first. */
export const programSources = {
  nodenet: { module: 'nodenet', package: '.' },
  pause: { module: 'nodenet', package: './pause' },
  kind: { module: 'kind', package: 'sigs.k8s.io/kind' },
  etcd: { module: 'etcd', package: 'go.etcd.io/etcd/server/v3' },
  'nats-server': { module: 'nats-server', package: 'github.com/nats-io/nats-server/v2' },
  ptp: cni('main/ptp'),
  loopback: cni('main/loopback'),
  'host-local': cni('ipam/host-local'),
  portmap: cni('meta/portmap'),
  containerd: containerd('containerd'),
  'containerd-shim-runc-v2': containerd('containerd-shim-runc-v2'),
  ctr: containerd('ctr'),
  crictl: { module: 'crictl', package: 'sigs.k8s.io/cri-tools/cmd/crictl' },
  kubectl: kubernetes('kubectl'),
  kubeadm: kubernetes('kubeadm'),
  kubelet: kubernetes('kubelet'),
  'kube-proxy': kubernetes('kube-proxy'),
  'kube-scheduler': kubernetes('kube-scheduler'),
  'kube-controller-manager': kubernetes('kube-controller-manager'),
  'kube-apiserver': kubernetes('kube-apiserver'),
  helm4: { module: 'helm4', package: 'helm.sh/helm/v4/cmd/helm' },
  helm3: { module: 'helm3', package: 'helm.sh/helm/v3/cmd/helm' },
  // Not github.com/coredns/coredns, which has plugins for the clouds: twice as long to build.
  coredns: { module: 'coredns', package: '.' },
  // Without clients of the clouds in which Prometheus finds its targets.
  promtool: { module: 'promtool', package: 'github.com/prometheus/prometheus/cmd/promtool', tags: 'remove_all_sd' },
  jaeger: { module: 'jaeger', package: 'github.com/jaegertracing/jaeger/cmd/all-in-one' },
  // With the clients of all clouds whose queues it can look at: 3,300 packages, many minutes on two cores.
  keda: { module: 'keda', package: 'github.com/kedacore/keda/v2/cmd/operator' },
  'keda-adapter': { module: 'keda', package: 'github.com/kedacore/keda/v2/cmd/adapter' },
} satisfies Record<string, Source>;

export type Program = keyof typeof programSources;
export const allPrograms = Object.keys(programSources) as readonly Program[];
/** What a test builds when it needs it. */
const testPrograms: readonly Program[] = ['promtool', 'jaeger', 'keda', 'keda-adapter'];
/** What the cluster is made with. */
export const clusterPrograms = allPrograms.filter((program) => !testPrograms.includes(program));

/** The version that a go.mod requires of a module: `v1.36.3`. */
export function versionIn(goMod: string, module: string): string {
  const version = goMod
    .split('\n')
    .map((line) => line.trim().replace(/^require /, ''))
    .find((line) => line.startsWith(`${module} v`))
    ?.split(' ')[1];
  if (version === undefined) throw new Error(`go.mod requires no ${module}`);
  return version;
}

/** What the pinned module of that folder is: `pinnedVersion('kubernetes', 'k8s.io/kubernetes')`. */
export function pinnedVersion(folder: string, module: string): string {
  return versionIn(readFileSync(join(moduleFolder(folder), 'go.mod'), 'utf8'), module);
}

/** Paths of these programs; builds what is not in the cache. */
export async function ensurePrograms(
  cache: string,
  programs: readonly Program[],
  log: Log,
): Promise<{ readonly paths: Record<Program, string>; readonly keys: readonly string[] }> {
  const go = (await run('go', ['env', 'GOVERSION', 'GOOS', 'GOARCH'], { timeoutMs: 60_000, env: goSettings })).trim();
  const paths: Partial<Record<Program, string>> = {};
  const keys: string[] = [];
  for (const program of allPrograms.filter((one) => programs.includes(one))) {
    const source: Source = programSources[program];
    const key = keyOf([go, JSON.stringify(goSettings), JSON.stringify(source), ...(await contentOf(moduleFolder(source.module)))]);
    const make = (folder: string): Promise<void> => build(source, join(folder, program), log);
    paths[program] = join(await ensureArtefact(cache, { name: program, key, make }, log), program);
    keys.push(`${program}-${key}`);
  }
  return { paths: paths as Record<Program, string>, keys };
}

const goSettings = {
  CGO_ENABLED: '0', // P1
  GOFLAGS: '-mod=readonly -trimpath -buildvcs=false', // P2
  GOTOOLCHAIN: 'local', // another toolchain would be a download that no go.sum names
  GOWORK: 'off',
  GOOS: '', // the machine's own
  GOARCH: '',
};

async function build(source: Source, out: string, log: Log): Promise<void> {
  log(`building ${out.split('/').at(-1)}`);
  const linkFlags = ['-s', '-w', ...versionFlags(source)].join(' ');
  const tags = source.tags === undefined ? [] : ['-tags', source.tags];
  await run('go', ['build', ...tags, '-ldflags', linkFlags, '-o', out, source.package], {
    cwd: moduleFolder(source.module),
    env: goSettings,
    timeoutMs: buildTimeoutMs,
  });
}

/** kubeadm and kind compare versions, so Kubernetes programs have to know theirs. */
function versionFlags({ setVersion }: Source): string[] {
  if (setVersion === undefined) return [];
  switch (setVersion) {
    case 'containerd':
      return [
        `-X github.com/containerd/containerd/v2/version.Version=${pinnedVersion('containerd', 'github.com/containerd/containerd/v2')}`,
      ];
    case 'kubernetes': {
      const version = pinnedVersion('kubernetes', 'k8s.io/kubernetes');
      const [major, minor] = version.slice(1).split('.');
      const names = { gitVersion: version, gitMajor: major, gitMinor: minor };
      return Object.entries(names).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
    }
  }
}

export function moduleFolder(module: string): string {
  return join(sourceFolder, 'modules', module);
}
