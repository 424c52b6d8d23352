// The images that are on the nodes, as the chart was told them.

import { inject } from 'vitest';

export function workerImage(): string {
  return imageOf('worker');
}

export function natsImage(): string {
  return imageOf('nats');
}

function imageOf(what: 'worker' | 'nats'): string {
  return `${valueOf(`${what}.image.repository`)}:${valueOf(`${what}.image.tag`)}`;
}

/** Of `--set-string name=value`. */
function valueOf(name: string): string {
  const found = inject('bed').helmValues.find((one) => one.startsWith(`${name}=`));
  if (found === undefined) throw new Error(`the chart was not told ${name}`);
  return found.slice(name.length + 1);
}
