// the fields of the stream's events differ from those that the machine declares for them
import { aircraft, flights } from '../prelude.ts';
flights
  .map((f) => ({ type: 'departed' as const, tailnum: f.tailnum, at: 0 }))
  .keyBy('tailnum')
  .machine(aircraft);
