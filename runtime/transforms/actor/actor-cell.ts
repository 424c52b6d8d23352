// A machine's actor as it lies in its cell, and back.
//
//   AC1. A cell is plain data: state value, context, history, pending timers. No node, no function, no class.
//   AC2. A snapshot that was made from a cell behaves as the one that the cell was made from.

import type { Machine, Snapshot } from './xstate.ts';

export type ActorCell = {
  /** XState's state value: `"flying"`, or `{"a": "b"}`. */
  readonly value: unknown;
  readonly context: unknown;
  /** History node → ids of the states that it remembers. */
  readonly history?: Readonly<Record<string, readonly string[]>>;
  /** Ids of pending timers, where the actor must clear them when it ends. */
  readonly timers?: readonly string[];
  /** How many timers without an id it has set: part of their names. */
  readonly timerCount?: number;
};

type HistoryValue = Record<string, readonly { readonly id: string }[]>;

/** State configurations that are kept resolved. Machines have few; parallel ones may multiply. */
const TEMPLATES_MAX = 4_096;

export class SnapshotCodec {
  readonly #machine: Machine;
  /** A snapshot per state value: only context and history differ between actors in one state. */
  readonly #templates = new Map<string, Snapshot>();

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  encode(snapshot: Snapshot, timers: readonly string[] | undefined, timerCount: number | undefined): ActorCell {
    const history = snapshot.historyValue as HistoryValue;
    return {
      value: snapshot.value,
      context: snapshot.context,
      ...(hasFields(history) ? { history: mapHistory(history) } : {}),
      ...(timers === undefined || timers.length === 0 ? {} : { timers }),
      ...(timerCount === undefined ? {} : { timerCount }),
    };
  }

  decode(cell: ActorCell): Snapshot {
    const template = this.#template(cell.value);
    return { ...template, context: cell.context, historyValue: cell.history === undefined ? {} : this.#history(cell.history) } as Snapshot;
  }

  #template(value: unknown): Snapshot {
    const name = stateText(value);
    let template = this.#templates.get(name);
    if (template === undefined) {
      template = this.#machine.resolveState({ value: value as never, context: {} as never }) as Snapshot;
      if (this.#templates.size >= TEMPLATES_MAX) this.#templates.clear();
      this.#templates.set(name, template);
    }
    return template;
  }

  #history(history: Readonly<Record<string, readonly string[]>>): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(history).map(([id, nodes]) => [id, nodes.map((node) => this.#machine.getStateNodeById(node))]),
    );
  }
}

/** A state value as text: the name of a flat state as it is. */
export function stateText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function hasFields(record: object | undefined): boolean {
  for (const _name in record) return true;
  return false;
}

function mapHistory(history: HistoryValue): Record<string, string[]> {
  return Object.fromEntries(Object.entries(history).map(([id, nodes]) => [id, nodes.map((node) => node.id)]));
}
