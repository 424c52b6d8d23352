// the machine takes no event "diverted": add it to its events, or filter it out before
import { aircraft, movements } from '../prelude.ts';
movements.keyBy('tailnum').machine(aircraft);
