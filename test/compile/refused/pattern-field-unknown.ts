// Property 'delay' does not exist on type 'Flight'
import { flights } from '../prelude.ts';
flights.keyBy('origin').pattern({ steps: [{ name: 'a', where: (flight) => flight.delay > 1 }] });
