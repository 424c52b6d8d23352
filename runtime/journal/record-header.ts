// A record's header as a list: fields by place instead of by name, which makes it a third as long.
//
// The order below is part of the stored form: append only, and only together with FORM_VERSION. Older forms are read for ever.
//   1  all up to `segments`      2  and `revision`      3  and `redriven`
//   4  and `idle`, and idle partitions behind an input's watermarks
//   5  and `part` behind these, only where a step ended inside of a record: all others can be read by a release that does not know it
// Counts are appended without a new form: a release that does not know one passes it over, and one that is not there was not counted.
// Behind them, by the same rule, stands the task's clock.

import type { InputPosition, RecordedClock, RecordHeader, SegmentInfo, SegmentKind, TaskCounters } from './record.ts';

const FORM_VERSION = 4;
const FORM_INSIDE = 5;
/** How many fields a form has. */
const FORM_FIELDS: Readonly<Record<number, number>> = { 1: 20, 2: 21, 3: 22, 4: 23, 5: 23 };

const FIELDS = [
  'stage',
  'partition',
  'epoch',
  'owner',
  'kind',
  'number',
  'more',
  'previousHash',
  'bodyHash',
  'inputs',
  'source',
  'sink',
  'watermarks',
  'nodeWatermarks',
  'done',
  'counters',
  'ingestMs',
  'checkpoint',
  'tables',
  'segments',
  'revision',
  'redriven',
  'idle',
] as const satisfies readonly (keyof RecordHeader)[];

const COUNTERS = [
  'eventsIn',
  'eventsOut',
  'filtered',
  'late',
  'deadLetters',
  'recoveries',
  'edgesIn',
  'edgesOut',
  'made',
  'absorbed',
  'held',
] as const satisfies readonly (keyof TaskCounters)[];

const NONE: readonly number[] = [];

const SEGMENT_KINDS = ['events', 'delta', 'image', 'payload'] as const satisfies readonly SegmentKind[];

// A field or a kind of the contract that is missing above does not compile here.
type Complete<Missing extends never> = Missing;
export type Listed = [
  Complete<Exclude<keyof RecordHeader, (typeof FIELDS)[number] | 'clock'>>,
  Complete<Exclude<keyof TaskCounters, (typeof COUNTERS)[number]>>,
  Complete<Exclude<SegmentKind, (typeof SEGMENT_KINDS)[number]>>,
];

export function headerToList(header: RecordHeader): readonly unknown[] {
  const list: unknown[] = [header.inputs.some(({ part }) => part !== undefined) ? FORM_INSIDE : FORM_VERSION];
  for (const field of FIELDS) list.push(fieldToList(header, field));
  return list;
}

/** Null when `list` is not what headerToList makes. */
export function headerFromList(list: unknown): RecordHeader | null {
  if (!Array.isArray(list)) return null;
  const count = FORM_FIELDS[list[0] as number];
  if (count === undefined || list.length !== count + 1) return null;
  const header: Record<string, unknown> = { revision: 1, redriven: 0, idle: NONE };
  FIELDS.slice(0, count).forEach((field, i) => {
    header[field] = fieldFromList(field, list[i + 1]);
  });
  const clock = clockFromList((list[FIELDS.indexOf('counters') + 1] as readonly (number | undefined)[]).slice(COUNTERS.length));
  if (clock !== null) header['clock'] = clock;
  return header as RecordHeader;
}

function fieldToList(header: RecordHeader, field: (typeof FIELDS)[number]): unknown {
  switch (field) {
    case 'inputs':
      return header.inputs.map(inputToList);
    case 'counters':
      return [...COUNTERS.map((name) => header.counters[name]), ...clockToList(header.clock)];
    case 'segments':
      return header.segments.map((info) => [
        SEGMENT_KINDS.indexOf(info.kind),
        info.edge,
        info.partition,
        info.count,
        info.offset,
        info.length,
      ]);
    default:
      return header[field];
  }
}

function fieldFromList(field: (typeof FIELDS)[number], value: unknown): unknown {
  switch (field) {
    case 'inputs':
      return (value as ListedInput[]).map(inputFromList);
    case 'counters':
      return Object.fromEntries(COUNTERS.map((name, i) => [name, (value as unknown[])[i] ?? (name === 'made' ? null : 0)]));
    case 'segments':
      return (value as number[][]).map(segmentFromList);
    default:
      return value;
  }
}

function clockToList(clock: RecordedClock | undefined): readonly number[] {
  if (clock === undefined) return [];
  return clock.storedMs === undefined ? [clock.ms] : [clock.ms, clock.storedMs];
}

function clockFromList([ms, storedMs]: readonly (number | undefined)[]): RecordedClock | null {
  if (ms === undefined) return null;
  return storedMs === undefined ? { ms } : { ms, storedMs };
}

type ListedInput = readonly [
  edge: number,
  sequence: number,
  watermarks: readonly (number | null)[],
  idle?: readonly number[],
  partSequence?: number,
  partEvents?: number,
];

function inputToList({ edge, sequence, watermarks, idle = NONE, part }: InputPosition): ListedInput {
  if (part !== undefined) return [edge, sequence, watermarks, idle, part.sequence, part.events];
  return idle.length === 0 ? [edge, sequence, watermarks] : [edge, sequence, watermarks, idle];
}

function inputFromList([edge, sequence, watermarks, idle = NONE, partSequence, partEvents = 0]: ListedInput): InputPosition {
  const part = partSequence === undefined ? {} : { part: { sequence: partSequence, events: partEvents } };
  return { edge, sequence, watermarks, ...(idle.length === 0 ? {} : { idle }), ...part };
}

function segmentFromList(list: readonly number[]): SegmentInfo {
  const [kind, edge, partition, count, offset, length] = list as [number, number, number, number, number, number];
  return { kind: SEGMENT_KINDS[kind] as SegmentKind, edge, partition, count, offset, length };
}
