// Refused by rules on tables and who reads them.
import { job, stage, withTable, type Refused } from '../sample.ts';

export const tables: readonly Refused[] = [
  {
    fact: 'a table of a file among those that code reads',
    object: job({
      tables: [{ name: 'people', file: { path: 'people.csv' }, key: 'row.id' }],
      workers: { files: [{ configMap: 'files' }] },
      stages: [
        stage,
        { name: 'added', from: 'events', keyBy: 'event.id', tables: ['people'], machine: { initial: 'a', states: { a: {} } } },
      ],
    }),
    says: 'no table with from',
  },
  {
    fact: 'a machine that reads a table with versions',
    object: job({
      tables: [{ name: 'people', from: 'events', key: 'row.id', at: 'row.at', keepFor: '1d' }],
      stages: [
        stage,
        { name: 'added', from: 'events', keyBy: 'event.id', tables: ['people'], machine: { initial: 'a', states: { a: {} } } },
      ],
    }),
    says: 'no table with from and without at',
  },
  {
    fact: 'a bootstrap of a table that is a file',
    object: withTable({ bootstrap: 'events' }),
    says: 'asOf, maxWaiting, deleted, bootstrap and keepFor go with a table from a stream',
  },
  {
    fact: 'a table from nowhere',
    object: withTable({ file: undefined }),
    says: 'a table comes from exactly one of file, from',
  },
  {
    fact: 'a table from a file and a stream',
    object: withTable({ from: 'events' }),
    says: 'a table comes from exactly one of file, from',
  },
  {
    fact: 'a table of a stream whose rows have versions that are kept for ever',
    object: withTable({ file: undefined, from: 'events', at: 'row.at' }),
    says: 'a table from a stream, whose at needs keepFor',
  },
  {
    fact: 'a table of a stream that keeps versions without saying which',
    object: withTable({ file: undefined, from: 'events', keepFor: '1d' }),
    says: 'a table from a stream, whose at needs keepFor',
  },
  {
    fact: 'a table of a stream whose rows are valid for a time, without versions',
    object: withTable({ file: undefined, from: 'events', validFor: '1d' }),
    says: 'a table from a stream, whose at needs keepFor',
  },
  {
    fact: 'a file of which a time is to be kept',
    object: withTable({ at: 'row.at', keepFor: '1d' }),
    says: 'asOf, maxWaiting, deleted, bootstrap and keepFor go with a table from a stream',
  },
  {
    fact: 'a table of a stream that nobody gives out',
    object: withTable({ file: undefined, from: 'nobody' }),
    says: 'people reads nobody',
  },
  {
    fact: 'rows that are valid for no time',
    object: withTable({ at: 'row.at', validFor: '0s' }),
    says: ['tables[0]', 'validFor is no time at all'],
  },
];
