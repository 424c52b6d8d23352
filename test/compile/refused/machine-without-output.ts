// a machine's events leave on named outputs: write .output('name') before .toFile(…)
import { aircraft, movements } from '../prelude.ts';
movements
  .map((m) => ({ ...m, type: 'departed' as const }))
  .keyBy('tailnum')
  .machine(aircraft)
  .toFile('x.ndjson');
