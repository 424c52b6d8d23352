// For a process outside the cluster that is told names of services: each is at one address of this machine, where test/e2e/support/outside-operator.ts
// forwards their ports. Loaded before the process's own code; CLUSTER_ADDRESS says where.

import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';

const address = process.env['CLUSTER_ADDRESS'] ?? '';
const usual = dns.lookup as (...args: unknown[]) => void;

dns.lookup = ((name: string, ...rest: unknown[]) => {
  usual(/\.svc(\.|$)/.test(name) ? address : name, ...rest);
}) as unknown as typeof dns.lookup;
syncBuiltinESMExports();
