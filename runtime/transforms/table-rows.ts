// tableRows: the rows of a table that is a stream, with their keys, as every partition of who reads it gets them.

import type { Batch, Key } from '../event/batch.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { compileCode, compilePredicate } from '../expression/expression.ts';
import { pickEvents } from './each-event.ts';
import { failEvent } from './failure.ts';
import { keyOfValue } from './key-value.ts';
import { rowTime } from './enrich-table.ts';
import type { RowChange, VersionChange } from './side-tables.ts';
import type { Transform } from './transform.ts';

export function makeTableRows({ table, key, deleted, at }: Extract<OpPlan, { kind: 'tableRows' }>): Transform {
  const keyOf = compileCode(key, ['row']);
  const atOf = at === undefined ? null : compileCode(at, ['row']);
  const isDeleted = deleted === null ? () => false : compilePredicate(deleted, ['row']);
  return {
    carriesTraces: true,
    onBatch(batch, context) {
      const [kept, keys, values]: [number[], Key[], (RowChange | VersionChange)[]] = [[], [], []];
      for (let i = 0; i < batch.values.length; i++) {
        const row = batch.values[i];
        try {
          keys.push(keyOfValue(keyOf(row)));
          const change = atOf === null ? ([table] as const) : ([table, rowTime(atOf(row))] as const);
          values.push(isDeleted(row) ? change : ([...change, row] as RowChange | VersionChange));
          kept.push(i);
        } catch (error) {
          keys.length = kept.length;
          failEvent(context, batch, i, error);
        }
      }
      const rows: Batch = { ...(kept.length === batch.values.length ? batch : pickEvents(batch, kept)), values, keys };
      context.emit(rows);
    },
  };
}
