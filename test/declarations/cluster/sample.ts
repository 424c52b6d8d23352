// A good StreamJob and a good StreamSavepoint, and how rows of the tables here say what is different in theirs.

export type Fields = Readonly<Record<string, unknown>>;
export type Manifest = { readonly apiVersion: string; readonly kind: string; readonly metadata: Fields; readonly spec?: unknown };

/** What the API server must refuse, and the words that tell why. */
export type Refused = { readonly fact: string; readonly object: Manifest; readonly says: string | readonly string[] };

export const source: Fields = { name: 'events', nats: { subjects: ['shop.events'] }, eventTime: { at: 'event.at' } };
export const stage: Fields = { name: 'counts', from: 'events', keyBy: 'event.id', aggregate: { n: { count: {} } } };
export const sink: Fields = { name: 'out', from: 'counts', nats: { subject: 'shop.counts' } };
export const goodSpec: Fields = { sources: [source], stages: [stage], sinks: [sink] };

/** The good job with other fields of its spec; one that is undefined is left out. */
export function job(changes: Fields = {}, metadata: Fields = {}): Manifest {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'sample', ...metadata },
    spec: { ...goodSpec, ...changes },
  };
}

export const withSource = (changes: Fields): Manifest => job({ sources: [{ ...source, ...changes }] });
/** With a second stage beside the first one. */
export const withStage = (changes: Fields): Manifest => job({ stages: [stage, { name: 'added', from: 'events', ...changes }] });
export const withSink = (changes: Fields): Manifest => job({ sinks: [{ ...sink, ...changes }] });
export const withWorkers = (workers: Fields): Manifest => job({ workers });
export const pool: Fields = { name: 'heavy', stages: ['counts'] };
export const withPool = (changes: Fields): Manifest => job({ pools: [{ ...pool, ...changes }] });
export const withTable = (changes: Fields): Manifest =>
  job({
    tables: [{ name: 'people', file: { path: 'people.csv' }, key: 'row.id', ...changes }],
    workers: { files: [{ configMap: 'files' }] },
  });

export function savepoint(spec: Fields, metadata: Fields = {}): Manifest {
  return { apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamSavepoint', metadata: { name: 'sample', ...metadata }, spec };
}

export function many<T>(count: number, make: (index: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** As many sources, stages and sinks as the schema allows, with the last ones changed. */
export function largest(lastStage: Fields = {}, lastSink: Fields = {}): Manifest {
  const name = (kind: string, i: number): string => `${kind}-with-a-long-name-${i}`;
  const stages: readonly Fields[] = many(512, (i) => ({
    ...stage,
    name: name('stage', i),
    from: i < 64 ? name('source', i) : name('stage', i - 64),
  }));
  const sinks: readonly Fields[] = many(256, (i) => ({
    ...sink,
    name: name('sink', i),
    from: name('stage', i),
    nats: { subject: `shop.results.${i}` },
  }));
  return job({
    sources: many(64, (i) => ({ ...source, name: name('source', i), nats: { subjects: [`shop.events.${i}`] } })),
    stages: stages.with(-1, { ...stages.at(-1), ...lastStage }),
    sinks: sinks.with(-1, { ...sinks.at(-1), ...lastSink }),
  });
}
