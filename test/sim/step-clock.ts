// Steps of the simulator take drawn time: so they end inside of records, between timers, and where they cannot end yet.

import type { Clock, Random } from '../../runtime/base/clock.ts';

const JUMP_CHANCE = 0.15;
/** Two stretches of a step (task/step.ts). */
const JUMP_MS = 400;

export function stepClock(random: Random): Pick<Clock, 'monotonicMs'> {
  let nowMs = 0;
  return { monotonicMs: () => (random.next() < JUMP_CHANCE ? (nowMs += random.next() * JUMP_MS) : nowMs) };
}
