import { expect, test } from 'vitest';
import { PartitionState } from '../../state/partition-state.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeReduce, type ReduceContext } from './reduce.ts';

type Event = { readonly id: string; readonly t: number; readonly n: number };

function harness(step: (state: never, event: never, context: ReduceContext) => unknown, init: () => unknown = () => 0): StepHarness {
  return new StepHarness({ make: () => makeReduce({ kind: 'reduce', init, step }), outputs: ['out'] });
}

const show = (value: unknown): string => JSON.stringify(value);

test('state is kept per key, over restarts', () => {
  const sums = harness((sum: number, event: Event) => sum + event.n);
  sums.play('a1 b2 | a3 R b5 a7 R');
  expect([...sums.state.cells('node').entries(0)]).toEqual([
    ['a', 11],
    ['b', 7],
  ]);
});

test('what is emitted has the time and key of its event, on the main output and on the named one', () => {
  const doubles = harness((count: number, event: Event, context: ReduceContext) => {
    context.emit({ key: context.key, n: event.n * 2 }, 'out');
    return count + 1;
  });
  doubles.play('a1 b2');
  expect(doubles.drawn((value, timeMs) => `${show(value)}@${timeMs}`)).toBe(
    '{"key":"a","n":2}@1 {"key":"b","n":4}@2 out:{"key":"a","n":2}@1 out:{"key":"b","n":4}@2',
  );
});

test('a timer comes back as an event at its time; clearing and replacing work', () => {
  const alarms = harness((state: number, event: Event | { n: number }, context: ReduceContext) => {
    if (context.timer !== null) {
      context.emit(`${context.timer}:${event.n}@${context.timeMs}`);
      return state;
    }
    if (event.n === 0) context.clearTimer('one');
    else context.setTimer('one', context.timeMs + 10, { n: event.n });
    return state + 1;
  });
  alarms.play('a1 a3 R W12 W13 a20 a25=0 W99');
  expect(alarms.drawn(show)).toBe('W12 "one:3@13" W13 W99');
});

test('what a step takes out of its context works by itself, as the guide has it', () => {
  const alarms = harness((state: number, event: Event, { emit, setTimer, clearTimer, timer }: ReduceContext) => {
    emit(timer ?? `n${event.n}`);
    if (timer === null) setTimer('one', event.t + 10, { n: 0 });
    if (event.n === 2) clearTimer('one');
    return state;
  });
  alarms.play('a1 b2 W30');
  expect(alarms.drawn(show)).toBe('"n1" "n2" "one" W30');
});

test('D3 a step lists the timers of its key, by time and id, as they are after what it has set and cleared itself, over restarts', () => {
  const listed = harness((state: number, event: Event | null, { emit, setTimer, clearTimer, timer, timers, timeMs }: ReduceContext) => {
    if (timer === null && event?.n === 0) clearTimer('t1');
    else if (timer === null && event !== null) for (const id of [`t${event.n}`, 'daily']) setTimer(id, timeMs + 10, { n: event.n });
    emit(
      `${timer ?? event?.id}: ${timers()
        .map(({ id, atMs, data }) => `${id}@${atMs}=${(data as Event).n}`)
        .join(' ')}`,
    );
    return state;
  });
  listed.play('a1 b2 R a3 a4=0 W12 R W99');
  expect(listed.emissions.flatMap((one) => (one.kind === 'event' ? [one.value] : []))).toEqual([
    'a: daily@11=1 t1@11=1',
    'b: daily@12=2 t2@12=2',
    'a: t1@11=1 daily@13=3 t3@13=3',
    'a: daily@13=3 t3@13=3',
    'daily: t2@12=2',
    't2: ',
    'daily: t3@13=3',
    't3: ',
  ]);
});

test('a step that fails has listed what it had set, and set nothing', () => {
  const failing = harness((state: number, event: Event, { setTimer, timers, timeMs, timer, emit }: ReduceContext) => {
    if (timer !== null) return state;
    setTimer('one', timeMs + 10, { n: 0 });
    if (event.n === 2) throw new Error(`${timers().length}`);
    emit(timers().length);
    return state;
  });
  failing.play('a2 a1');
  expect([failing.deadLetters.map(({ message }) => message), failing.drawn(show)]).toEqual([
    ['MR3002 TransformFailed: node: Error: 1'],
    '1 dead:{"id":"a","t":2,"n":2}',
  ]);
});

test('null forgets the actor', () => {
  const once = harness((state: number, event: Event) => (event.n === 0 ? null : state + event.n));
  once.play('a1 a2=0');
  expect(once.state.cells('node').size()).toBe(0);
});

test.each([
  {
    fact: 'a throwing step',
    step: () => {
      throw new Error('no');
    },
    message: 'Error: no',
  },
  { fact: 'undefined as state', step: () => undefined, message: 'it gave undefined; give the next state, or null to forget the actor' },
  { fact: 'a promise as state', step: () => Promise.resolve(1), message: 'it gave a promise; actors are synchronous' },
])('$fact is a dead letter, and neither state nor outputs change', ({ step, message }) => {
  const broken = harness((state: number, event: Event, context: ReduceContext) => {
    context.emit('seen', 'out');
    return event.n === 0 ? step() : state + 1;
  });
  broken.play('a1 a2=0 a3');
  expect(broken.deadLetters.map((letter) => [letter.code, letter.message])).toEqual([
    ['MR3002', `MR3002 TransformFailed: node: ${message}`],
  ]);
  expect([...broken.state.cells('node').entries(0)]).toEqual([['a', 2]]);
  expect(broken.emissions.filter((e) => e.kind === 'event' && e.output === 'out')).toHaveLength(2);
});

test('R1 state that code changes in place is in the delta of each step', () => {
  type Seen = { count: number; items: number[] };
  const changing = harness(
    (state: Seen, event: Event) => {
      state.count++;
      state.items.push(event.n);
      return state;
    },
    () => ({ count: 0, items: [] }),
  );
  const other = new PartitionState();
  for (const drawn of ['a1', 'a2', 'a3']) {
    changing.play(drawn);
    const delta = changing.state.takeDelta();
    if (delta !== null) other.applyDelta(delta);
  }
  expect(other.cells('node').get(0, 'a')).toEqual({ count: 3, items: [1, 2, 3] });
});

test('init and step may be CEL', () => {
  const text = new StepHarness({
    make: () => makeReduce({ kind: 'reduce', init: '{"n": 0, "key": key}', step: '{"n": state.n + event.n, "key": state.key}' }),
  });
  text.play('a1 a2');
  expect(text.state.cells('node').get(0, 'a')).toEqual({ n: 3, key: 'a' });
});

test('a timer that sets itself again ends with the input', () => {
  const ticking = harness((state: number, _event: Event, context: ReduceContext) => {
    context.setTimer('tick', context.timeMs + 10);
    if (context.timer !== null) context.emit(context.timeMs);
    return state + 1;
  });
  ticking.play('a1 W25 Wend');
  expect(ticking.drawn(show)).toBe('11 21 W25 31 Wend');
});
