// What kind is told: pure.
//
// JSON is YAML; kind and kubeadm read both.

export const clusterName = 'millrace';
export const nodeNames = [`${clusterName}-control-plane`, `${clusterName}-worker`, `${clusterName}-worker2`] as const;
export const podRange = '10.210.0.0/16';
export const serviceRange = '10.211.0.0/16';

/** Names of the built images. The domain is reserved for tests: nobody can serve images there, so nothing is ever pulled. */
export const imageDomain = 'millrace.test';

export type KindChoice =
  /** kind's own node image. */
  | { readonly kind: 'stock' }
  /** The image that was built here; versions as its parts are tagged. */
  | { readonly kind: 'built'; readonly nodeImage: string; readonly etcdTag: string; readonly corednsTag: string };

export function kindConfig(choice: KindChoice): unknown {
  const image = choice.kind === 'built' ? { image: choice.nodeImage } : {};
  return {
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    name: clusterName,
    networking: {
      ipFamily: 'ipv4',
      podSubnet: podRange,
      serviceSubnet: serviceRange,
      apiServerAddress: '127.0.0.1',
      ...(choice.kind === 'built' ? { kubeProxyMode: 'nftables' } : {}),
    },
    nodes: [
      { role: 'control-plane', ...image },
      { role: 'worker', ...image },
      { role: 'worker', ...image },
    ],
    ...(choice.kind === 'built' ? { containerdConfigPatches: [containerdPatch] } : {}),
    kubeadmConfigPatches: kubeadmPatches(choice).map((patch) => JSON.stringify(patch)),
  };
}

/** Where a node may not raise priorities (no CAP_SYS_RESOURCE), containerd has to live with those that it has. */
const containerdPatch = '[plugins."io.containerd.cri.v1.runtime"]\n  restrict_oom_score_adj = true\n';

/** A lost node is noticed in 8 s and its pods are replaced 5 s later: tests of failures would wait six minutes otherwise. */
const fastFailover = {
  apiServer: {
    extraArgs: [
      { name: 'default-not-ready-toleration-seconds', value: '5' },
      { name: 'default-unreachable-toleration-seconds', value: '5' },
    ],
  },
  controllerManager: {
    extraArgs: [
      { name: 'node-monitor-period', value: '1s' },
      { name: 'node-monitor-grace-period', value: '8s' },
    ],
  },
};
const fastHeartbeat = { nodeStatusUpdateFrequency: '2s', nodeLeaseDurationSeconds: 8 };

function kubeadmPatches(choice: KindChoice): readonly unknown[] {
  const cluster = { kind: 'ClusterConfiguration', ...fastFailover };
  const kubelet = { kind: 'KubeletConfiguration', ...fastHeartbeat };
  if (choice.kind === 'stock') return [cluster, kubelet];
  const neverPull = { nodeRegistration: { imagePullPolicy: 'Never' } };
  return [
    {
      ...cluster,
      imageRepository: imageDomain,
      etcd: { local: { imageTag: choice.etcdTag } },
      dns: { imageTag: choice.corednsTag },
    },
    // cgroupfs: a node of the built image lives without its own cgroup namespace's systemd, on cgroup v1 too.
    { ...kubelet, failCgroupV1: false, cgroupDriver: 'cgroupfs', cgroupRoot: '/', resolvConf: '/kind/pod-resolv.conf' },
    { kind: 'InitConfiguration', ...neverPull },
    { kind: 'JoinConfiguration', ...neverPull },
  ];
}
