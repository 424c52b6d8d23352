// Bytes of state changes: a delta (what one step changed) and a checkpoint (everything) have one form.
//
//   [version, [node id, drops, [namespace, deletes, puts, …], [key, id, …] cleared timers, [key, id, atMs, data, …] set timers, …]]
// Arrays instead of records: no field names on the wire, one form for ever; `version` says which.

import { MillraceError } from '../base/errors.ts';
import type { Key } from '../event/batch.ts';
import type { TimerChanges } from '../time/timer-queue.ts';
import type { Timer } from '../transforms/transform.ts';
import type { CellChanges, NamespaceChanges } from './cell-changes.ts';
import { decodeValue, encodeValue } from './value-codec.ts';

const VERSION = 1;

export type NodeChanges = { readonly nodeId: string; readonly cells: CellChanges; readonly timers: TimerChanges };

export function encodeChanges(nodes: readonly NodeChanges[]): Uint8Array {
  return encodeValue([VERSION, nodes.map(nodeToWire)]);
}

/** Throws when the bytes are of another version: they were written by a newer release. */
export function decodeChanges(bytes: Uint8Array): readonly NodeChanges[] {
  const [version, nodes] = decodeValue(bytes) as [number, readonly NodeWire[]];
  if (version !== VERSION) {
    throw new MillraceError('MR2106', {
      task: 'state',
      problem: `state of version ${version} was found, this release reads version ${VERSION}`,
    });
  }
  return nodes.map(nodeFromWire);
}

type NodeWire = readonly [
  nodeId: string,
  drops: readonly number[],
  namespaces: readonly unknown[],
  cleared: readonly string[],
  set: readonly unknown[],
];

function nodeToWire({ nodeId, cells, timers }: NodeChanges): NodeWire {
  const namespaces: unknown[] = [];
  for (const { id, deletes, puts } of cells.namespaces) namespaces.push(id, deletes, puts);
  const set: unknown[] = [];
  for (const timer of timers.set) set.push(timer.key, timer.id, timer.atMs, timer.data);
  return [nodeId, cells.drops, namespaces, timers.cleared.flat(), set];
}

function nodeFromWire([nodeId, drops, flatNamespaces, flatCleared, flatSet]: NodeWire): NodeChanges {
  const namespaces: NamespaceChanges[] = [];
  for (let i = 0; i < flatNamespaces.length; i += 3) {
    namespaces.push({ id: flatNamespaces[i] as number, deletes: flatNamespaces[i + 1] as Key[], puts: flatNamespaces[i + 2] as unknown[] });
  }
  const cleared: [Key, string][] = [];
  for (let i = 0; i < flatCleared.length; i += 2) cleared.push([flatCleared[i]!, flatCleared[i + 1]!]);
  const set: Timer[] = [];
  for (let i = 0; i < flatSet.length; i += 4) {
    set.push({ key: flatSet[i] as Key, id: flatSet[i + 1] as string, atMs: flatSet[i + 2] as number, data: flatSet[i + 3] });
  }
  return { nodeId, cells: { drops, namespaces }, timers: { cleared, set } };
}
