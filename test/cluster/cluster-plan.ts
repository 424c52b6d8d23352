// Which kind of cluster this machine gets, or why none: pure.

export const modes = ['auto', 'built', 'stock', 'existing'] as const;
export type Mode = (typeof modes)[number];

export type MachineFacts = {
  readonly platform: string;
  readonly isRoot: boolean;
  /** A Docker engine that is not ours answers. */
  readonly hasEngine: boolean;
  /** `go1.26.8`; null: there is none. */
  readonly goVersion: string | null;
  /** The newest that a go.mod asks for: `1.26.6`. */
  readonly goMinimum: string;
  /** Programs of the built mode that are not there: `dockerd`. */
  readonly missingPrograms: readonly string[];
  /** apt-get can bring them. */
  readonly hasApt: boolean;
  readonly hasKubeconfig: boolean;
};

export type Plan =
  | { readonly kind: 'existing' }
  /** `orBuilt`: when the stock image cannot be had, a built one is possible. */
  | { readonly kind: 'stock'; readonly orBuilt: boolean }
  | { readonly kind: 'built' }
  | { readonly kind: 'none'; readonly why: string };

export function planCluster(mode: Mode, facts: MachineFacts): Plan {
  switch (mode) {
    case 'existing':
      return facts.hasKubeconfig
        ? { kind: 'existing' }
        : none('MILLRACE_CLUSTER=existing needs KUBECONFIG, the path of a file that is there');
    case 'stock':
      return facts.hasEngine ? { kind: 'stock', orBuilt: false } : none('MILLRACE_CLUSTER=stock needs a Docker engine, and none answers');
    case 'built': {
      const why = whyNotBuilt(facts);
      return why === null ? { kind: 'built' } : none(why);
    }
    case 'auto': {
      const why = whyNotBuilt(facts);
      if (facts.hasEngine) return { kind: 'stock', orBuilt: why === null };
      return why === null ? { kind: 'built' } : none(`no Docker engine answers, and none can be set up here: ${why}`);
    }
  }
}

export function isMode(text: string): text is Mode {
  return modes.some((mode) => mode === text);
}

function whyNotBuilt(facts: MachineFacts): string | null {
  if (facts.platform !== 'linux') return `a node image can be built on Linux only, this is ${facts.platform}`;
  if (!facts.isRoot) return 'building a node image needs root (debootstrap, chroot, mounts)';
  if (facts.goVersion === null) return 'the Kubernetes programs are built with Go, and there is no `go` on the PATH';
  if (isOlder(facts.goVersion.replace(/^go/, ''), facts.goMinimum))
    return `the Kubernetes programs need Go ${facts.goMinimum} or newer, this is ${facts.goVersion}`;
  if (facts.missingPrograms.length > 0 && !facts.hasApt)
    return `${facts.missingPrograms.join(', ')} missing, and there is no apt-get to install what brings them`;
  return null;
}

function none(why: string): Plan {
  return { kind: 'none', why };
}

export function isOlder(version: string, minimum: string): boolean {
  const [is, wanted] = [version, minimum].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  for (let at = 0; at < 3; at++) {
    const difference = (is?.[at] ?? 0) - (wanted?.[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
