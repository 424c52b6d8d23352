// An operator that is a process on this machine and works in the cluster: told what its Deployment tells it, as its service account, through a
// proxy that can end it at any of its writes. The one in the cluster is to be away meanwhile (sharedOperator).
//
//   O1. At most one process lives: the next one starts when the one before is gone. Its lease is deleted first: how long a lease
//       of a dead operator is waited for is another test's matter.
//   O2. A process is killed once: what it writes between the cut and its end goes on to the server, as it would from a machine that loses its power.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundlePrograms } from '../../../images/bundle.ts';
import { images } from '../../../images/programs.ts';
import { OperatorProcess } from '../../operator/support/operator-process.ts';
import { WriteProxy, type When } from '../../operator/support/write-proxy.ts';
import { PortForward } from './port-forward.ts';
import { get } from './objects.ts';
import { kubectl, release, systemNamespace } from './programs.ts';

type Variable = { readonly name: string; readonly value?: string };
type Deployment = {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly { readonly env: readonly Variable[] }[] } } };
};
type KubeConfig = {
  readonly clusters: readonly { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } }[];
};

const LEASE = `${release}-operator`;
const NATS_PORTS = [4222, 8222];

export class OutsideOperator {
  readonly proxy: WriteProxy;
  readonly #folder: string;
  readonly #forwards: readonly PortForward[];
  readonly #environment: Readonly<Record<string, string>>;
  /** As in its image: it starts three times faster than from the sources, and it starts often. */
  readonly #entry: string;
  /** All that there were; the last one may live. */
  readonly processes: OperatorProcess[] = [];
  #next: Promise<void> = Promise.resolve();
  #isDying = false;

  private constructor(parts: {
    readonly proxy: WriteProxy;
    readonly folder: string;
    readonly forwards: readonly PortForward[];
    readonly environment: Readonly<Record<string, string>>;
    readonly entry: string;
  }) {
    this.proxy = parts.proxy;
    this.#folder = parts.folder;
    this.#forwards = parts.forwards;
    this.#environment = parts.environment;
    this.#entry = parts.entry;
  }

  /** For the jobs of these namespaces. */
  static async start(namespaces: readonly string[]): Promise<OutsideOperator> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-outside-'));
    const config = JSON.parse(await kubectl(['config', 'view', '--raw', '--minify', '-o', 'json'])) as KubeConfig;
    const { server = '', 'certificate-authority-data': ca = '' } = config.clusters[0]?.cluster ?? {};
    const caPath = join(folder, 'ca.crt');
    await writeFile(caPath, Buffer.from(ca, 'base64'));
    const token = (await kubectl(['create', 'token', `${release}-operator`, '-n', systemNamespace, '--duration=1h'])).trim();
    const proxy = await WriteProxy.start({ url: server, caPath, adminToken: token });
    // On Linux all of 127.0.0.0/8 is this machine: there the ports of services are free.
    const address = `127.${[0, 0, 0].map(() => 2 + Math.floor(Math.random() * 250)).join('.')}`;
    const service = { namespace: systemNamespace, service: `${release}-nats`, address };
    const forwards = await Promise.all(NATS_PORTS.map((port) => PortForward.start({ ...service, port })));
    const environment = {
      ...(await toldToTheDeployment()),
      MILLRACE_NAMESPACE: systemNamespace,
      MILLRACE_WATCH_NAMESPACES: namespaces.join(','),
      MILLRACE_CONSOLE_PORT: '',
      MILLRACE_LOG: 'text',
      CLUSTER_ADDRESS: address,
      NODE_OPTIONS: `--import=${import.meta.resolve('./cluster-names.ts')}`,
    };
    const [program] = await bundlePrograms([images.operator.programs[0]]);
    const entry = join(folder, 'operator.mjs');
    await writeFile(entry, program?.text ?? '');
    const outside = new OutsideOperator({ proxy, folder, forwards, environment, entry });
    await outside.#begin();
    return outside;
  }

  /** At each write that `choose` names a time for, the process is killed and another one started. */
  killAt(choose: (write: string) => When | null): void {
    this.proxy.cut = (write) => (this.#isDying ? null : choose(write)); // O2
    this.proxy.onCut = () => {
      this.#isDying = true;
      this.#next = this.#next.then(() => this.#replace());
    };
  }

  story(): string {
    return this.processes
      .slice(-3)
      .map(({ log }) => log.slice(-3_000))
      .join('\n--- killed\n');
  }

  async stop(): Promise<void> {
    this.proxy.cut = () => null;
    await this.#next;
    await this.processes.at(-1)?.end();
    await deleteLease();
    await this.proxy.stop();
    for (const forward of this.#forwards) forward.stop();
    await rm(this.#folder, { recursive: true });
  }

  async #replace(): Promise<void> {
    await this.processes.at(-1)?.end();
    await this.#begin();
  }

  async #begin(): Promise<void> {
    await deleteLease(); // O1
    const place = {
      server: { kubeconfig: join(this.#folder, 'kubeconfig') },
      apiUrl: this.proxy.url,
      natsUrl: '',
      namespace: systemNamespace,
      entry: this.#entry,
    };
    this.processes.push(await OperatorProcess.start({ ...place, pod: `outside-${this.processes.length}`, environment: this.#environment }));
    this.#isDying = false;
  }
}

async function deleteLease(): Promise<void> {
  await kubectl(['delete', 'lease', LEASE, '-n', systemNamespace, '--ignore-not-found']);
}

/** But what its pod alone knows, which has no value there, and where it listens. */
async function toldToTheDeployment(): Promise<Readonly<Record<string, string>>> {
  const found = await get<Deployment>('deployment', systemNamespace, `${release}-operator`);
  const variables = found?.spec.template.spec.containers[0]?.env ?? [];
  return Object.fromEntries(
    variables.flatMap(({ name, value }) => (value === undefined || name === 'MILLRACE_HTTP_PORT' ? [] : [[name, value]])),
  );
}
