// placeholder until quiescence is there
import type { NatsConnection } from '@nats-io/transport-node';
import type { JobNatsParts } from './job-nats.ts';
import type { SavepointProgress } from '../reconcile/nats-side.ts';
export async function prepareRestore(_c: NatsConnection, _s: string, _i: string): Promise<void> {
  throw new Error('not yet');
}
export async function removeSavepoint(_c: NatsConnection, _s: string): Promise<void> {
  throw new Error('not yet');
}
export async function advanceSavepoint(_p: JobNatsParts, _s: string, _i: string): Promise<SavepointProgress> {
  throw new Error('not yet');
}
