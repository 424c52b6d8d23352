// a machine takes events by their field `type`: map the events to { type, … } before .machine(…)
import { aircraft, flights } from '../prelude.ts';
flights.keyBy('tailnum').machine(aircraft);
