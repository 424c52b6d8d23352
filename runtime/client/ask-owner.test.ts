// Who is believed about a key: on a bus in memory, in the time of the test.

import { expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { planJob } from '../plan/plan.ts';
import { MemoryBus } from '../testing/memory-directory.ts';
import { taskFigures } from '../testing/task-figures.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { answerTopic, askIn, type Answer } from '../worker/ask.ts';
import { askOwner, type Question } from './ask-owner.ts';

const plan = planJob(
  streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: {
      sources: [{ name: 's', nats: { subjects: ['a'] } }],
      stages: [{ name: 'counts', from: 's', keyBy: 'event.id', partitions: 1, aggregate: { n: { count: {} } } }],
      sinks: [{ name: 'out', from: 'counts', nats: { subject: 'out' } }],
    },
  }),
  { s: 1 },
  { deadLetterFile: false },
);

const QUESTION: Question = { node: 'counts', key: 'k', atLeast: null, waitMs: 5_000, silentMs: 5_000 };
const FRESH: Question = { ...QUESTION, atLeast: { subject: 'a', sequence: 7 } };

/** Answers each question as those owners, one behind the other, from the question `from` on. */
function job({ epochs, from = 1 }: { readonly epochs: readonly number[]; readonly from?: number }): MemoryBus {
  const bus = new MemoryBus();
  let asked = 0;
  bus.subscribe('ask', (value) => {
    const question = askIn(value);
    if (question === null || ++asked < from) return;
    for (const epoch of epochs) {
      const answer: Answer = {
        id: question.id,
        worker: `w${epoch}`,
        task: 'counts/0',
        epoch,
        watermarkMs: null,
        cells: [],
        timers: [],
        recent: [],
      };
      bus.publish(answerTopic(question.id), answer);
    }
  });
  return bus;
}

async function ask(question: Question, bus: MemoryBus): Promise<string> {
  const clock = new VirtualClock();
  const parts = {
    job: 'j',
    plan,
    bus,
    newId: () => 'question1',
    sleep: (ms: number, signal: AbortSignal) => clock.sleep(ms, signal),
  };
  const { answer } = await clock.run(askOwner(question, parts));
  return answer.worker;
}

test('the first who answers is believed when nothing in particular is to be in it', async () => {
  expect(await ask(QUESTION, job({ epochs: [1, 2] }))).toBe('w1');
});

test('AO1 an owner from before the one that has taken it in is not believed, though it answers first', async () => {
  const bus = job({ epochs: [1, 2] });
  bus.subscribe('look', () => undefined);
  const asked = ask(FRESH, bus);
  const edge = String(plan.edges.find(({ toStage }) => toStage === 'counts')?.index);
  bus.publish('report', {
    tasks: [taskFigures('s/0', { taken: { sequence: 7 }, sequence: 40 }), taskFigures('counts/0', { epoch: 2, positions: { [edge]: 40 } })],
  });
  expect(await asked).toBe('w2');
});

test('AO2 the question is put again while nobody answers', async () => {
  expect(await ask(QUESTION, job({ epochs: [3], from: 4 }))).toBe('w3');
});

test('MR1033 nobody answers in time; MR1034 nobody has taken it in', async () => {
  await expect(ask({ ...QUESTION, silentMs: 1_000 }, job({ epochs: [] }))).rejects.toMatchObject({ code: 'MR1033', data: { key: 'k' } });
  await expect(ask({ ...FRESH, waitMs: 1_000 }, job({ epochs: [1] }))).rejects.toMatchObject({ code: 'MR1034' });
});
