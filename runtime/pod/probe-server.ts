// The pod's HTTP server: probes, each with a body that says why, and figures.

import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '../telemetry/metrics-page.ts';
import { probes, type Probe, type ProbeInput } from './probes.ts';

export type ProbeServer = { readonly port: number; close(): Promise<void> };

export type ProbeServerParts = {
  /** 0: any free one. */
  readonly port: number;
  readonly look: () => ProbeInput;
  /** What is answered to who accepts that. */
  readonly metrics: (accept: string | undefined) => Page;
};

/** Listens on every address: the kubelet asks from outside of the pod. Rejects when the port is taken. */
export async function startProbeServer({ port, look, metrics }: ProbeServerParts): Promise<ProbeServer> {
  // An import would load all that node:http has, its WebSocket too: 35 ms and 13 MB of each worker.
  const { createServer } = process.getBuiltinModule('node:http');
  const server: Server = createServer((request, response) => {
    const { status, type, body } = answer(request.url ?? '', look, () => metrics(request.headers.accept));
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? '' : body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

function answer(url: string, look: () => ProbeInput, metrics: () => Page): { status: number; type: string; body: string } {
  const path = url.split('?', 1)[0]?.slice(1) ?? '';
  if (path === 'metrics') return { status: 200, ...metrics() };
  if (!Object.hasOwn(probes, path)) return { status: 404, type: 'text/plain', body: 'startupz, readyz, livez or metrics\n' };
  const input = look();
  const { ok, why } = probes[path as Probe](input);
  const { phase, reason, connected, worker } = input;
  const body = { ok, why, phase, reason, connected, tasks: worker?.tasks.length ?? 0 };
  return { status: ok ? 200 : 503, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
