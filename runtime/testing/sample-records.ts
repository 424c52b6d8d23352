// Small commit records for tests of the journal.

import { encodeRecord, type EncodedRecord } from '../journal/record-codec.ts';
import type { RecordHeader } from '../journal/record.ts';
import { NO_COUNTS } from '../task/counters.ts';

export type HeaderFields = Omit<RecordHeader, 'bodyHash' | 'segments'>;

export function makeHeader(fields: Partial<HeaderFields>): HeaderFields {
  return {
    stage: 'stage',
    partition: 0,
    epoch: 1,
    owner: 'w',
    kind: 'commit',
    number: 1,
    more: false,
    previousHash: '',
    inputs: [],
    source: null,
    sink: null,
    watermarks: [],
    nodeWatermarks: {},
    done: false,
    ingestMs: 0,
    checkpoint: null,
    tables: {},
    revision: 1,
    redriven: 0,
    idle: [],
    counters: { ...NO_COUNTS, edgesIn: [], edgesOut: [] },
    ...fields,
  };
}

export function makeClaim(fields: Partial<HeaderFields>): EncodedRecord {
  return encodeRecord(makeHeader({ ...fields, kind: 'claim' }), []);
}

export function makeCommit({ body, ...fields }: Partial<HeaderFields> & { readonly body: Uint8Array }): EncodedRecord {
  return encodeRecord(makeHeader(fields), [{ kind: 'payload', edge: -1, partition: -1, count: 1, bytes: body }]);
}
