// What a node of the chain has of the tables that are streams and that its code reads: where their rows lie, and which input brings them.

import type { Batch } from '../event/batch.ts';
import { ROWS, type NodePlan, type StagePlan } from '../plan/physical-plan.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';
import { applyRows, SideTable, sideTable } from '../transforms/side-tables.ts';
import type { SideTables, Table } from '../transforms/transform.ts';

export class TableRowsSide {
  /** As code sees them. */
  readonly tables: SideTables;
  readonly #cells: KeyedCells;
  /** Whether an input brings changes of rows. */
  readonly #brings: readonly boolean[];

  /** null: the node reads none that is a stream. */
  static of({ side, inputs }: NodePlan, stage: StagePlan, cellsOf: (nodeId: string) => KeyedCells): TableRowsSide | null {
    const op = stage.nodes.find(({ id }) => id === side)?.op;
    if (side === undefined || op?.kind !== 'sideInput') return null;
    return new TableRowsSide(
      cellsOf(side),
      op.tables.map(({ name }) => name),
      inputs.map((input) => input.kind === 'node' && input.from.output === ROWS),
    );
  }

  constructor(cells: KeyedCells, names: readonly string[], brings: readonly boolean[]) {
    this.#cells = cells;
    this.#brings = brings;
    this.tables = Object.fromEntries(names.map((name) => [name, new SideTable(cells, name)]));
  }

  /** False: the input brings events. */
  takes(input: number, batch: Batch): boolean {
    if (this.#brings[input] !== true) return false;
    applyRows(this.#cells, batch);
    return true;
  }

  /** null: no such table is a stream. */
  table(name: string): Table | null {
    return Object.hasOwn(this.tables, name) ? sideTable(this.#cells, name) : null;
  }
}
