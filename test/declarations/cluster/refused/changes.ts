// Changes of what is stored: refused, or not (`says: null`).
import { job, largest, savepoint, sink, source, stage, type Manifest } from '../sample.ts';

export type Change = {
  readonly fact: string;
  readonly before: Manifest;
  readonly after: Manifest;
  readonly says: string | readonly string[] | null;
};

const DEFAULT_FIXED = 'spec.partitions is fixed for the life of the state';
const STAGE_FIXED = 'the partitions of a stage are fixed for the life of its state';
const stateless = { upgrade: { strategy: 'stateless' } };
const partitioned = (partitions: number | undefined): Manifest => job({ stages: [{ ...stage, partitions }] });

export const changes: readonly Change[] = [
  { fact: 'another number of partitions is refused', before: job(), after: job({ partitions: 16 }), says: DEFAULT_FIXED },
  {
    fact: 'another number of partitions is taken when the state is dropped',
    before: job(),
    after: job({ partitions: 16, ...stateless }),
    says: null,
  },
  { fact: 'other partitions of a stage are refused', before: partitioned(4), after: partitioned(5), says: [STAGE_FIXED, 'counts has 4'] },
  {
    fact: 'partitions of a stage beside the default are refused',
    before: job(),
    after: partitioned(4),
    says: [STAGE_FIXED, 'counts has 8'],
  },
  { fact: 'partitions of a stage as the default are the same', before: job(), after: partitioned(8), says: null },
  { fact: 'no partitions where there were some are refused', before: partitioned(4), after: job(), says: [STAGE_FIXED, 'counts has 4'] },
  {
    fact: 'other partitions of a stage are taken when the state is dropped',
    before: partitioned(4),
    after: { ...partitioned(5), spec: { ...(partitioned(5).spec as object), ...stateless } },
    says: null,
  },
  {
    fact: 'a new stage may have any partitions',
    before: job(),
    after: job({ stages: [stage, { ...stage, name: 'more', partitions: 3 }] }),
    says: null,
  },
  { fact: 'a stage may go', before: job(), after: job({ stages: [], sinks: [{ ...sink, from: 'events' }] }), says: null },
  {
    fact: 'a circle that comes with a change is refused',
    before: job(),
    after: job({ stages: [{ ...stage, from: ['events', 'counts'] }] }),
    says: 'stages read each other in a circle',
  },
  { fact: 'another strategy may be set', before: job(), after: job(stateless), says: null },
  { fact: 'another expression may be set', before: job(), after: job({ stages: [{ ...stage, filter: 'event.id != null' }] }), says: null },
  {
    fact: 'another source may be set',
    before: job(),
    after: job({ sources: [{ ...source, nats: { subjects: ['shop.more'] } }] }),
    says: null,
  },
  {
    fact: 'a savepoint stays one of its job',
    before: savepoint({ job: 'a' }),
    after: savepoint({ job: 'b' }),
    says: ['this savepoint is of job "', 'make another StreamSavepoint for "b"'],
  },
  {
    fact: 'a savepoint may be kept after all',
    before: savepoint({ job: 'a' }),
    after: savepoint({ job: 'a', deletionPolicy: 'Retain' }),
    says: null,
  },
  {
    fact: 'a job as large as there may be can be changed',
    before: largest(),
    after: { ...largest(), spec: { ...(largest().spec as object), replicas: 4 } },
    says: null,
  },
];
