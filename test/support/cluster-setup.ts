// What the tests of the project `cluster` start is built before the first of them: no test and no hook waits for a build, so
// each has its own bounds, on a machine with empty caches too.
import { findClusterPrograms } from './cluster-programs.ts';

export async function setup(): Promise<void> {
  await findClusterPrograms(['etcd', 'kube-apiserver', 'kubectl', 'helm3', 'helm4', 'nats-server', 'jaeger', 'promtool']);
}
