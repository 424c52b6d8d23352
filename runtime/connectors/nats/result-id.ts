// The id of a result: which run, sink, partition, record and line made it. It stands in the header `Millrace-Id` of
// every message that a sink writes, and tells whoever continues where the last one stopped.

export type ResultOrigin = { readonly runId: string; readonly job: string; readonly sink: string; readonly partition: number };
/** `index`: the result's place in its record; of a message with several lines, the place of the first. */
export type ResultId = ResultOrigin & { readonly record: number; readonly index: number };

export const ID_HEADER = 'Millrace-Id';

/** `<run>.<job>.<sink>.<partition>.<record>.<index>`; none of the parts has a dot. */
export function formatResultId({ runId, job, sink, partition, record, index }: ResultId): string {
  return `${runId}.${job}.${sink}.${partition}.${record}.${index}`;
}

/** null: no id of ours. */
export function parseResultId(text: string): ResultId | null {
  const parts = text.split('.');
  const [runId, job, sink] = parts;
  const [partition, record, index] = parts.slice(3).map((part) => (/^\d{1,15}$/.test(part) ? Number(part) : null));
  if (parts.length !== 6 || !runId || !job || !sink) return null;
  if (partition == null || record == null || index == null) return null;
  return { runId, job, sink, partition, record, index };
}
