// machine needs a key: write .keyBy('field') before .machine(…)
import { aircraft, flights } from '../prelude.ts';
flights.machine(aircraft);
