// changelog: what each change of a row does, told as rows that no longer hold and rows that hold now.
//
// Whoever groups rows by something else than their id needs both: the old row says which group the row leaves (Flink's upsert streams
// are normalized alike, and Kafka Streams' KTable groups by an old and a new value).
// Cells: those of keyed-rows.ts in namespace 0, one row a key.
//   C1. Of a key `retract` and `insert` take turns, and each retract has the row of the insert before it.
//   C2. Both have the time of the change. An older change than the one that is known changes nothing and is counted as filtered.

import type { Batch, Key, Value } from '../event/batch.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { keysOf } from './batch-keys.ts';
import { failEvent } from './failure.ts';
import { KeyedRows } from './keyed-rows.ts';
import type { Version } from './keyed-rows.ts';
import type { StepContext, Transform } from './transform.ts';

type Told = { readonly values: Value[]; readonly times: number[]; readonly keys: Key[] };

const ROW = { mark: 'r', id: '', data: '' };

export function makeChangelog({ spec }: Extract<OpPlan, { kind: 'changelog' }>): Transform {
  const rows = new KeyedRows(0, spec);
  return {
    absorbs: true,
    restored: ({ cells }) => rows.restored(cells),
    onBatch(batch, context) {
      const told: Told = { values: [], times: [], keys: [] };
      let [taken, older] = [0, 0];
      for (let i = 0; i < batch.values.length; i++) {
        try {
          if (tell(rows, batch, i, context, told)) taken++;
          else older++;
        } catch (error) {
          failEvent(context, batch, i, error);
        }
      }
      context.countAbsorbed(taken);
      context.countFiltered(older);
      context.emit({ ...told, ingestMs: batch.ingestMs });
    },
    onTimer: ({ key }, { cells }) => rows.forget(cells, key, ROW.id),
  };
}

/** False: a newer change is known (C2). */
function tell(rows: KeyedRows, batch: Batch, i: number, context: StepContext, told: Told): boolean {
  const [key, timeMs, row] = [keysOf(batch)[i]!, batch.times[i]!, batch.values[i]];
  const { id, isDeletion } = rows.read(row, key, timeMs, context.nowMs);
  const known = rows.get(context.cells, key, id);
  if (known !== undefined && known[0] > timeMs) return false;
  const version: Version = isDeletion ? [timeMs] : [timeMs, row];
  rows.set(context.cells, key, id, version);
  rows.remember(context, key, ROW, version, known);
  if (known?.length === 2) add(told, 'retract', known[1], timeMs, key);
  if (!isDeletion) add(told, 'insert', row, timeMs, key);
  return true;
}

function add({ values, times, keys }: Told, change: 'insert' | 'retract', row: Value, timeMs: number, key: Key): void {
  values.push({ change, row });
  times.push(timeMs);
  keys.push(key);
}
