// What a node of the chain has of the tables that are streams and that its code reads: where their rows lie, and which input brings them.

import type { Batch } from '../event/batch.ts';
import { ROWS, type NodePlan, type SideTablePlan, type StagePlan } from '../plan/physical-plan.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';
import { applyRows, SideTable, sideTable } from '../transforms/side-tables.ts';
import { TableVersions } from '../transforms/table-versions.ts';
import type { SideTables, Table } from '../transforms/transform.ts';

export class TableRowsSide {
  /** As code sees them: those without versions. */
  readonly tables: SideTables;
  readonly #versions: ReadonlyMap<string, TableVersions>;
  readonly #cells: KeyedCells;
  /** Whether an input brings changes of rows. */
  readonly #brings: readonly boolean[];

  /** null: the node reads none that is a stream. */
  static of({ side, inputs }: NodePlan, stage: StagePlan, cellsOf: (nodeId: string) => KeyedCells): TableRowsSide | null {
    const op = stage.nodes.find(({ id }) => id === side)?.op;
    if (side === undefined || op?.kind !== 'sideInput') return null;
    return new TableRowsSide(
      cellsOf(side),
      op.tables,
      inputs.map((input) => input.kind === 'node' && input.from.output === ROWS),
    );
  }

  constructor(cells: KeyedCells, tables: readonly SideTablePlan[], brings: readonly boolean[]) {
    this.#cells = cells;
    this.#brings = brings;
    const plain = tables.filter(({ versions }) => versions === undefined);
    this.tables = Object.fromEntries(plain.map(({ name }) => [name, new SideTable(cells, name)]));
    this.#versions = new Map(
      tables.flatMap(({ name, versions }) => (versions === undefined ? [] : [[name, new TableVersions(cells, name, versions)]])),
    );
  }

  /** False: the input brings events. `watermark`: of the node that reads. */
  takes(input: number, batch: Batch, watermark: number): boolean {
    if (this.#brings[input] !== true) return false;
    applyRows(this.#cells, batch, watermark, this.#versions);
    return true;
  }

  /** null: no such table is a stream. */
  table(name: string, watermark: number): Table | null {
    const versions = this.#versions.get(name);
    if (versions !== undefined) return versions.asOf(watermark);
    return Object.hasOwn(this.tables, name) ? sideTable(this.#cells, name) : null;
  }
}
