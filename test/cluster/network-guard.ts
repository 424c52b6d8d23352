// Keeps the packets of the cluster on this machine.
//
// Until kube-proxy has programmed a node, and for addresses that no service has, a packet for a service follows the default
// route: out of the machine, to whatever has that address there. So, before any node starts:
//   G1. Forwarded packets of the nodes' bridge, whose name we choose, may not leave by any other interface.
//   G2. This machine has no route to pods and services: a process here that tries to reach one is told so.
//   G3. Each node refuses by itself what would go to its gateway (table `ip node`, node/usr/local/bin/entrypoint).
// `assertGuard` fails when one of them is missing; a cluster without guard is not handed out.
import { clusterName, podRange, serviceRange } from './kind-config.ts';
import { run, tryRun, whereIs, type Ended } from './program-run.ts';

export const bridge = 'kind0';
export const network = 'millrace-kind';
const nodeRange = '172.30.0.0/24';
const timeoutMs = 30_000;
/** Behind every route that somebody set on purpose. */
const routeMetric = '4278198272';

const stayRule = ['-i', bridge, '!', '-o', bridge, '-j', 'REJECT'];

/** A docker command of the engine that runs the nodes. */
export type Docker = (args: readonly string[]) => Promise<Ended>;

/** Makes the network that kind will use. Does nothing twice. */
export async function ensureNetwork(docker: Docker): Promise<void> {
  if ((await docker(['network', 'inspect', network])).code !== 0) await makeNetwork(docker);
}

/** Raises G1 and G2. Does nothing twice. */
export async function raiseGuard(): Promise<void> {
  // The rule first: it names an interface, which need not be there yet.
  await iptables(['-N', 'DOCKER-USER'], 'may fail');
  if ((await iptables(['-C', 'DOCKER-USER', ...stayRule], 'may fail')) !== 0) await iptables(['-I', 'DOCKER-USER', ...stayRule]);
  for (const range of [podRange, serviceRange]) await ip(['route', 'replace', 'prohibit', range, 'metric', routeMetric]);
}

export async function removeNetwork(docker: Docker): Promise<void> {
  await docker(['network', 'rm', network]);
}

/** Takes back what raiseGuard did; the nodes must be gone. */
export async function lowerGuard(): Promise<void> {
  while ((await iptables(['-D', 'DOCKER-USER', ...stayRule], 'may fail')) === 0);
  for (const range of [podRange, serviceRange]) await ip(['route', 'del', 'prohibit', range, 'metric', routeMetric], 'may fail');
}

/** Throws with what is missing. `nodes`: those that must have G3 (none for an image that is not ours). */
export async function assertGuard(docker: Docker, nodes: readonly string[]): Promise<void> {
  const missing: string[] = [];
  if ((await iptables(['-C', 'DOCKER-USER', ...stayRule], 'may fail')) !== 0) missing.push(`the rule for ${bridge} in DOCKER-USER`);
  if ((await iptables(['-C', 'FORWARD', '-j', 'DOCKER-USER'], 'may fail')) !== 0) missing.push('the jump from FORWARD to DOCKER-USER');
  const routes = await run(ipProgram(), ['route', 'show', 'type', 'prohibit'], { timeoutMs });
  for (const range of [podRange, serviceRange]) if (!routes.includes(`prohibit ${range} `)) missing.push(`the prohibited route ${range}`);
  for (const node of nodes) {
    const table = await docker(['exec', node, 'nft', 'list', 'table', 'ip', 'node']);
    missing.push(...missingInNode(table.stdout).map((what) => `${what} in ${node}`));
  }
  if (missing.length > 0) throw new Error(`packets of cluster ${clusterName} could leave this machine; missing: ${missing.join('; ')}`);
}

/** G3 as text of `nft list table ip node`: what is not there. */
export function missingInNode(table: string): string[] {
  const chains = new Map(table.split('\tchain ').map((text) => [text.split(' ')[0] ?? '', text]));
  const missing: string[] = [];
  if (!/oifname "eth0" .*rt (ip )?nexthop .* reject/.test(chains.get('stay') ?? '')) missing.push('the refusing rule of chain stay');
  for (const [chain, hook] of [
    ['stayout', 'output'],
    ['stayfwd', 'forward'],
  ] as const) {
    const text = chains.get(chain) ?? '';
    if (!text.includes(`hook ${hook} `) || !text.includes('jump stay')) missing.push(`the jump from ${hook} to chain stay`);
  }
  return missing;
}

async function makeNetwork(docker: Docker): Promise<void> {
  const options = { 'com.docker.network.bridge.name': bridge, 'com.docker.network.bridge.enable_ip_masquerade': 'false' };
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const made = await docker(['network', 'create', '-d', 'bridge', '--subnet', nodeRange, ...flags, network]);
  if (made.code !== 0) throw new Error(`the network ${network} (${nodeRange}) cannot be made: ${made.stderr.trim()}`);
}

async function iptables(args: readonly string[], failure: 'may fail' | 'throws' = 'throws'): Promise<number | null> {
  const program = whereIs('iptables') ?? 'iptables';
  if (failure === 'may fail') return (await tryRun(program, ['-w', ...args], { timeoutMs })).code;
  await run(program, ['-w', ...args], { timeoutMs });
  return 0;
}

async function ip(args: readonly string[], failure: 'may fail' | 'throws' = 'throws'): Promise<void> {
  if (failure === 'throws') await run(ipProgram(), args, { timeoutMs });
  else await tryRun(ipProgram(), args, { timeoutMs });
}

function ipProgram(): string {
  return whereIs('ip') ?? 'ip';
}
