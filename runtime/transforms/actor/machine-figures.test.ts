// What a machine tells of its actors: how many are in which state, and what they did.

import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { machineSchema } from '../../../crds/stream-job/machine.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import type { ActorFigures } from '../figures.ts';
import type { Transform } from '../transform.ts';
import { makeMachine } from './machine.ts';

const DOOR = `
initial: closed
context: {}
unhandled: ignore
states:
  closed: { on: { open: opened, look: {}, bad: { target: opened, actions: [{ assign: { x: '1 / 0' } }] } } }
  opened: { initial: ajar, after: { 100ms: closed }, on: { close: closed, burn: burnt }, states: { ajar: { on: { push: wide } }, wide: {} } }
  burnt: { type: final }
`;

function doors(): {
  play: (events: string) => void;
  advance: (watermark: number) => void;
  figures: () => ActorFigures;
  restart: () => void;
} {
  let made: Transform | null = null;
  const spec = machineSchema.parse(parse(DOOR));
  const harness = new StepHarness({ make: () => (made = makeMachine({ kind: 'machine', spec })) });
  return {
    play: (events) => {
      for (const [key, type] of events.split(' ').map((event) => event.split(':')))
        harness.pushBatch({ values: [{ type }], times: [0], keys: [key ?? ''], ingestMs: 0 });
    },
    advance: (watermark) => harness.advance(watermark),
    figures: () => (made as Transform).figures?.({ nodeId: 'node', watermark: 0, cells: harness.state.cells('node') }) as ActorFigures,
    restart: () => harness.restart(),
  };
}

test.each([
  { fact: 'a new actor is where its first event leads', play: 'a:look b:open', states: { closed: 1, '{"opened":"ajar"}': 1 } },
  { fact: 'who moves leaves', play: 'a:open a:push a:close', states: { closed: 1 } },
  { fact: 'who ends is gone', play: 'a:open a:burn b:look', states: { closed: 1 } },
  { fact: 'an event that nobody handles begins an actor, and moves none', play: 'a:nothing a:nothing', states: { closed: 1 } },
  { fact: 'an event that fails changes nothing', play: 'a:look a:bad', states: { closed: 1 } },
  { fact: 'an actor whose first event fails does not begin', play: 'a:bad', states: {} },
])('$fact', ({ play, states }) => {
  const { play: run, figures, restart } = doors();
  run(play);
  expect(figures().states).toEqual(states);
  restart();
  expect(figures().states).toEqual(states);
});

test('transitions are counted by state, event and state, timers too; what changed nothing is not', () => {
  const { play, advance, figures } = doors();
  play('a:open b:open b:push a:close a:look a:look');
  advance(500);
  expect(sorted(figures().transitions)).toEqual(
    sorted([
      ['closed', 'open', '{"opened":"ajar"}', 2],
      ['{"opened":"ajar"}', 'push', '{"opened":"wide"}', 1],
      ['{"opened":"ajar"}', 'close', 'closed', 1],
      ['{"opened":"wide"}', 'xstate.after.100.machine.opened', 'closed', 1],
    ]),
  );
  expect(figures().states).toEqual({ closed: 2 });
});

function sorted(counts: ActorFigures['transitions']): readonly string[] {
  return counts.map((one) => one.join(' ')).sort((a, b) => (a < b ? -1 : 1));
}
