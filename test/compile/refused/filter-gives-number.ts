// Type 'number' is not assignable to type 'boolean'
import { flights } from '../prelude.ts';
flights.filter((f) => f.depDelay);
