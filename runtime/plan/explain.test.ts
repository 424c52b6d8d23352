import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { readStreamJob } from './check.ts';
import { explainPlan } from './explain.ts';
import type { PhysicalPlan } from './physical-plan.ts';
import { planOfSpec } from '../testing/plan-of.ts';
import { planJob } from './plan.ts';

const flights = planJob(
  readStreamJob(readFileSync(new URL('../../examples/flights/stream-job.yaml', import.meta.url), 'utf8'), {
    file: 'flights',
    parameters: {},
  }),
  {},
);
const small = smallPlan();
const followed: PhysicalPlan = { ...small, standbyReplicas: 1 };

function smallPlan(): PhysicalPlan {
  const job = streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'words' },
    spec: {
      sources: [{ name: 'lines', nats: { subjects: ['lines.a', 'lines.b'] } }],
      stages: [
        { name: 'words', from: 'lines', flatMap: 'event.text.split(" ")' },
        { name: 'counts', from: 'words', keyBy: 'event', partitions: 2, aggregate: { times: { count: {} } } },
      ],
      sinks: [
        { name: 'kept', from: 'counts', journal: {} },
        { name: 'told', from: 'counts', nats: { subject: 'words.counts' } },
      ],
    },
  });
  return planJob(job, {});
}

describe('as text', () => {
  test('standby replicas, and only where there are some', () => {
    expect(explainPlan(followed, 'text').replace(explainPlan(small, 'text'), '')).toMatchInlineSnapshot(`
      "

      standby replicas ───────────────────────────────────────────────────────────── 1
        the state of 2 partitions is followed by a second worker, which takes
          over when the first is killed; where there is one worker alone there
          is none"
    `);
    expect(JSON.parse(explainPlan(followed, 'json'))).toEqual({
      ...(JSON.parse(explainPlan(small, 'json')) as object),
      standbyReplicas: 1,
    });
  });

  test('memory for state, and only where it is bounded', () => {
    const state = { memoryBytes: 256 * 2 ** 20, diskBytes: 10 * 2 ** 30 };
    const bounded: PhysicalPlan = { ...small, state };
    const text = explainPlan(bounded, 'text').replace(explainPlan(small, 'text'), '');
    expect(text).toMatch(/^\n\nmemory for state ─+ 256 MiB\n/);
    expect(text.replaceAll(/\s+/g, ' ')).toContain('lie on its disk (at most 10.0 GiB), keys and timers stay in memory');
    expect(JSON.parse(explainPlan(bounded, 'json'))).toEqual({ ...(JSON.parse(explainPlan(small, 'json')) as object), state });
  });

  test('whom splits wait for', () => {
    const source = (name: string, subjects: readonly string[], group: object): object => ({
      name,
      nats: { subjects },
      eventTime: { at: 'event.at' },
      alignment: { maxDrift: '90s', ...group },
    });
    const plan = planOfSpec({
      sources: [source('a', ['a'], { group: 'both' }), source('b', ['b'], { group: 'both' }), source('c', ['c', 'd'], {})],
      sinks: [{ name: 'out', from: ['a', 'b', 'c'], nats: { subject: 'out' } }],
    });
    const text = explainPlan(plan, 'text');
    expect(text).toContain('\n  aligned no split is read further than 1m30s ahead of the last one of a, b\n');
    expect(text).toContain('\n  aligned no split is read further than 1m30s ahead of the last one of c\n');
    expect(explainPlan(small, 'text')).not.toContain('aligned');
  });

  test('what becomes of events for which code fails, where the job says it', () => {
    const policy = { retries: 5, backoffMs: 1_000, backoffMaxMs: 60_000, then: 'stopPartition' } as const;
    const stages = small.stages.map((stage) => ({
      ...stage,
      nodes: stage.nodes.map((node) => (node.id === 'words' ? { ...node, onError: policy } : node)),
    }));
    expect(explainPlan({ ...small, stages }, 'text')).toContain(
      '\n  onError words: 5 retries after 1s up to 1m, then stops its partition\n',
    );
    expect(explainPlan(small, 'text')).not.toContain('onError');
  });

  test('a small job', () => {
    expect(explainPlan(small, 'text')).toMatchInlineSnapshot(`
      "job words: 2 stages with 4 partitions, 2 sinks, 4 streams

      lines ───────────────────────────────────────────────────── source, 2 partitions
        runs    lines › words › counts/key
        why     a source begins a stage, each of its 2 splits is a partition
                words runs here too: it needs no other key
        sends   by key to counts
        journal stream MR_words_lines, subjects mr.words.lines.0 … 1

      counts ───────────────────────────────────────────────────── keyed, 2 partitions
        runs    counts
        why     the key changes to event: equal keys meet in one partition
        phases  one, because a running aggregate has a result whenever it changes
        sends   counts to kept, told
        journal stream MR_words_counts, subjects mr.words.counts.0 … 1

      sinks ──────────────────────────────── one partition each, stream MR_words_sinks
        told  counts  subject words.counts    exactly once
        kept  counts  stream MR_words_counts  exactly once

      dead letters ────────────────────────────────────────────── stream MR_words_dead
        what no stage can process goes to file dead-letters.ndjson and subject
          words.dead-letters"
    `);
  });

  test('fits 80 columns, however long the job', () => {
    expect(
      explainPlan(flights, 'text')
        .split('\n')
        .filter((line) => line.length > 80),
    ).toEqual([]);
  });

  test('names every stage, stream and sink', () => {
    const text = explainPlan(flights, 'text');
    for (const { id } of flights.stages) if (!id.startsWith('dead-letters')) expect(text).toContain(id);
    for (const stream of flights.streams) expect(text).toContain(stream);
  });
});

describe('as JSON', () => {
  const summary = JSON.parse(explainPlan(flights, 'json')) as {
    stages: { id: string; partitions: number; sink?: unknown }[];
    exchanges: unknown[];
    fingerprint: string;
  };

  test('has all stages and exchanges, and the fingerprint', () => {
    expect(summary.stages.map(({ id }) => id)).toEqual(flights.stages.map(({ id }) => id));
    expect(summary.exchanges).toHaveLength(flights.edges.length);
    expect(summary.fingerprint).toBe(flights.fingerprint);
  });

  test('says what each sink promises', () => {
    expect(summary.stages.find(({ id }) => id === 'lost-subject')?.sink).toEqual({ to: 'subject flights.lost', guarantee: 'exactly-once' });
  });
});

describe('as a drawing', () => {
  test('a small job', () => {
    expect(explainPlan(small, 'mermaid')).toMatchInlineSnapshot(`
      "flowchart LR
        subgraph n_lines["lines (source, 2 partitions)"]
          n_lines_IN_lines["lines<br/><small>source</small>"]
          n_lines_IN_words["words<br/><small>flatMap</small>"]
          n_lines_IN_counts_OF_key["counts/key<br/><small>keyBy</small>"]
          n_lines_IN_lines --> n_lines_IN_words
          n_lines_IN_words --> n_lines_IN_counts_OF_key
        end
        subgraph n_counts["counts (keyed, 2 partitions)"]
          n_counts_IN_counts["counts<br/><small>aggregate</small>"]
        end
        n_told_IN_told[("told<br/><small>subject words.counts</small>")]
        n_dead_letters_IN_dead_letters[("dead-letters<br/><small>file dead-letters.ndjson</small>")]
        n_dead_letters_subject_IN_dead_letters_subject[("dead-letters-subject<br/><small>subject words.dead-letters</small>")]
        n_lines_IN_counts_OF_key ==> n_counts_IN_counts
        n_counts_IN_counts --> n_sink_TO_kept[("kept<br/><small>journal</small>")]
        n_counts_IN_counts --> n_told_IN_told
        n_lines -.-> n_dead_letters_IN_dead_letters
        n_counts -.-> n_dead_letters_IN_dead_letters
        n_lines -.-> n_dead_letters_subject_IN_dead_letters_subject
        n_counts -.-> n_dead_letters_subject_IN_dead_letters_subject"
    `);
  });

  test('what a stage sends to itself is called as it was declared', () => {
    const noted = { key: 'key', type: 'noted' };
    const plan = planOfSpec({
      sources: [{ name: 'seen', nats: { subjects: ['seen'] }, schema: { id: 'string', left: 'int' } }],
      stages: [
        {
          name: 'hubs',
          from: 'seen',
          keyBy: 'event.id',
          feedback: { from: 'again', maxRounds: 3 },
          machine: {
            eventType: "'step'",
            initial: 'open',
            context: { at: 0 },
            states: { open: { on: { step: { actions: [{ emit: { output: 'got', value: 'event' } }, { sendTo: noted }] }, noted: {} } } },
          },
        },
        { name: 'again', from: 'hubs.got', filter: 'event.left > 0' },
      ],
      sinks: [{ name: 'out', from: 'hubs.got', nats: { subject: 'out' } }],
    });
    const arrows = explainPlan(plan, 'mermaid').split('\n');
    expect(arrows.filter((line) => line.includes('|feedback|') || line.includes('|sendTo|'))).toEqual([
      '  n_hubs_IN_hubs_OF_feedback ==>|feedback| n_hubs_IN_hubs',
      '  n_hubs_IN_hubs ==>|sendTo| n_hubs_IN_hubs',
    ]);
  });

  test('every arrow leads from and to something that is drawn', () => {
    const lines = explainPlan(flights, 'mermaid').split('\n');
    const drawn = new Set(lines.flatMap((line) => /^\s*(?:subgraph )?(n_\w+)\[/.exec(line)?.[1] ?? []));
    const ends = lines.flatMap((line) => {
      const arrow = /^\s*(n_\w+) (?:-->|==>|-\.->)(?:\|[^|]+\|)? (n_\w+)/.exec(line);
      return arrow === null ? [] : [arrow[1]!, arrow[2]!];
    });
    expect(ends.length).toBeGreaterThan(40);
    expect(ends.filter((end) => !drawn.has(end))).toEqual([]);
  });
});
