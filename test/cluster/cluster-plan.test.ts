import { expect, test } from 'vitest';
import { planCluster, type MachineFacts, type Mode } from './cluster-plan.ts';

/** A Debian with root and Go, and no Docker. */
const debian: MachineFacts = {
  platform: 'linux',
  isRoot: true,
  hasEngine: false,
  goVersion: 'go1.26.8',
  goMinimum: '1.26.6',
  missingPrograms: ['dockerd', 'debootstrap'],
  hasApt: true,
  hasKubeconfig: false,
};

test.each<{ fact: string; mode: Mode; facts: Partial<MachineFacts>; plan: string }>([
  { fact: 'no engine, but what builds one', mode: 'auto', facts: {}, plan: 'built' },
  { fact: 'an engine that runs comes first', mode: 'auto', facts: { hasEngine: true }, plan: 'stock, else built' },
  { fact: 'an engine is enough', mode: 'auto', facts: { hasEngine: true, isRoot: false, goVersion: null }, plan: 'stock' },
  { fact: 'built, though an engine runs', mode: 'built', facts: { hasEngine: true }, plan: 'built' },
  { fact: 'stock is not replaced by built', mode: 'stock', facts: { hasEngine: true }, plan: 'stock' },
  { fact: 'stock without engine', mode: 'stock', facts: {}, plan: 'none: MILLRACE_CLUSTER=stock needs a Docker engine' },
  { fact: 'a cluster of somebody else is taken only on demand', mode: 'auto', facts: { hasKubeconfig: true }, plan: 'built' },
  { fact: 'existing', mode: 'existing', facts: { hasKubeconfig: true }, plan: 'existing' },
  { fact: 'existing without KUBECONFIG', mode: 'existing', facts: {}, plan: 'none: MILLRACE_CLUSTER=existing needs KUBECONFIG' },
  {
    fact: 'not Linux',
    mode: 'auto',
    facts: { platform: 'darwin' },
    plan: 'none: no Docker engine answers, and none can be set up here: a node',
  },
  { fact: 'not root', mode: 'built', facts: { isRoot: false }, plan: 'none: building a node image needs root' },
  { fact: 'no Go', mode: 'built', facts: { goVersion: null }, plan: 'none: the Kubernetes programs are built with Go, and there is no' },
  {
    fact: 'old Go',
    mode: 'built',
    facts: { goVersion: 'go1.25.9' },
    plan: 'none: the Kubernetes programs need Go 1.26.6 or newer, this is go1.25.9',
  },
  { fact: 'no apt', mode: 'built', facts: { hasApt: false }, plan: 'none: dockerd, debootstrap missing, and there is no apt-get' },
  { fact: 'no apt, nothing missing', mode: 'built', facts: { hasApt: false, missingPrograms: [] }, plan: 'built' },
])('$fact', ({ mode, facts, plan }) => {
  const found = planCluster(mode, { ...debian, ...facts });
  const text =
    found.kind === 'none' ? `none: ${found.why}` : `${found.kind}${found.kind === 'stock' && found.orBuilt ? ', else built' : ''}`;
  expect(text.slice(0, plan.length)).toBe(plan);
  if (found.kind !== 'none') expect(text).toBe(plan);
});
