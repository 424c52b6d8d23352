// What may be said in the chart's values: `helm lint` takes it, or refuses it and names the place.
import { expect, test } from 'vitest';
import { lint, valueSets, valuesFile } from './helm.ts';

for (const version of [3, 4] as const) {
  test.each(valueSets)(`helm ${version} lint takes the values of ci/%s`, async (set) => {
    const ended = await lint(version, { file: valuesFile(set) });
    expect(ended.stdout + ended.stderr).toContain('1 chart(s) linted, 0 chart(s) failed');
    expect(ended.code).toBe(0);
  });
}

const bad: readonly { readonly fact: string; readonly set: readonly string[]; readonly place: string }[] = [
  { fact: 'a field that is not there', set: ['operatr.replicas=2'], place: 'operatr' },
  { fact: 'a field that is not there, deeper', set: ['nats.storage.class=fast'], place: 'class' },
  { fact: 'an unknown scope', set: ['scope=everything'], place: 'scope' },
  { fact: 'namespaces listed though the scope is the cluster', set: ['namespaces={a,b}'], place: 'namespaces' },
  { fact: 'a namespace that is no name', set: ['scope=namespaces', 'namespaces={Team_A}'], place: 'namespaces' },
  { fact: 'a namespace twice', set: ['scope=namespaces', 'namespaces={a,a}'], place: 'namespaces' },
  { fact: 'two NATS servers', set: ['nats.replicas=2'], place: 'replicas' },
  { fact: 'a server of its own and another one', set: ['nats.url=nats://elsewhere:4222'], place: 'url' },
  { fact: 'no server at all', set: ['nats.enabled=false'], place: 'url' },
  { fact: 'a URL of something else', set: ['nats.enabled=false', 'nats.url=http://elsewhere'], place: 'url' },
  { fact: 'credentials for the server of the chart', set: ['nats.credentialsSecret.name=mine'], place: 'credentialsSecret' },
  { fact: 'a volume without a unit', set: ['nats.storage.size=10'], place: 'size' },
  { fact: 'messages of no size', set: ['nats.maxPayloadMiB=0'], place: 'maxPayloadMiB' },
  { fact: 'less room for slow clients than the server needs', set: ['nats.maxPendingMiB=1'], place: 'maxPendingMiB' },
  { fact: 'a program that is no path', set: ['nats.binary=nats-server'], place: 'binary' },
  { fact: 'no operator', set: ['operator.replicas=0'], place: 'replicas' },
  { fact: 'half an operator', set: ['operator.replicas=1.5'], place: 'replicas' },
  { fact: 'an unknown pull policy', set: ['operator.image.pullPolicy=Sometimes'], place: 'pullPolicy' },
  { fact: 'a digest that is none', set: ['worker.image.digest=sha256:123'], place: 'digest' },
  { fact: 'a tag with a space', set: ['worker.image.tag=a b'], place: 'tag' },
  { fact: 'no account, and none named', set: ['operator.serviceAccount.create=false'], place: 'name' },
  {
    fact: 'a variable of the chart replaced, with what to do',
    set: ['operator.extraEnv[0].name=MILLRACE_NATS_URL'],
    place:
      "'/operator/extraEnv/0/name': value must be 'a name that does not begin with MILLRACE_: the chart sets those from its other values, see its README.md'",
  },
  { fact: 'memory that is no quantity', set: ['operator.resources.limits.memory=much'], place: 'memory' },
  { fact: 'an effect that Kubernetes does not know', set: ['operator.tolerations[0].effect=Never'], place: 'effect' },
  { fact: 'a peer of a network policy that says nothing', set: ['nats.allowFrom[0].pods=all'], place: 'allowFrom' },
  { fact: 'a yes that is a text', set: ['crds.install=perhaps'], place: 'install' },
  { fact: 'an interval without a unit', set: ['metrics.podMonitor.interval=30'], place: 'interval' },
  { fact: 'traces to a host without a scheme', set: ['tracing.otlpEndpoint=collector:4318'], place: 'otlpEndpoint' },
  { fact: 'a test without time', set: ['tests.timeoutSeconds=0'], place: 'timeoutSeconds' },
];

for (const version of [3, 4] as const) {
  test.each(bad)(`helm ${version} lint refuses: $fact`, async ({ set, place }) => {
    const ended = await lint(version, { set });
    expect(ended.code).not.toBe(0);
    expect(ended.stdout + ended.stderr).toContain(place);
  });
}
