// A run whose results are compared with what they must be, and then removed.
//
//   C1. Figures of a run whose results are wrong are never given.

import type { Check } from './checks.ts';
import { clearRun, measureRun, type MeasuredRun, type RunPlace, type RunSettings } from './measure-run.ts';
import { readOutput } from './output.ts';

/** `check` null: there is nothing to compare. */
export async function checkedRun(place: RunPlace, settings: RunSettings, check: Check | null): Promise<MeasuredRun> {
  const run = await measureRun(place, settings);
  if (check !== null) {
    check.again();
    await readOutput(place.nc, run.plan, (line) => check.result(line));
    const problem = check.problem();
    if (problem !== null) throw new Error(`${settings.name} gave wrong results: ${problem}`);
  }
  await clearRun(place.nc, run.plan);
  return run;
}

/** The pieces, of which `check` sees every event. */
export function* seen(pieces: Iterable<readonly string[]>, check: Check): Generator<readonly string[]> {
  for (const lines of pieces) {
    for (const line of lines) check.event(line);
    yield lines;
  }
}
