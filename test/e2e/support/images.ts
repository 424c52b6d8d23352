// The images that are on the nodes, as the chart was told them.

import { inject } from 'vitest';

export function workerImage(): string {
  return `${valueOf('worker.image.repository')}:${valueOf('worker.image.tag')}`;
}

/** Of `--set-string name=value`. */
function valueOf(name: string): string {
  const found = inject('bed').helmValues.find((one) => one.startsWith(`${name}=`));
  if (found === undefined) throw new Error(`the chart was not told ${name}`);
  return found.slice(name.length + 1);
}
