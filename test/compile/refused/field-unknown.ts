// Property 'depDelayed' does not exist on type 'Flight'. Did you mean 'depDelay'?
import { flights } from '../prelude.ts';
flights.filter((f) => f.depDelayed > 15);
