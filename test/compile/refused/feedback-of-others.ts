// what comes back are events of another type than those of the stream that has the key
import { flights } from '../prelude.ts';
const byPlane = flights.keyBy('tailnum');
const first = byPlane.dedupe('1h');
byPlane.feedback(first.map((flight) => ({ ...flight, depDelay: 'none' })));
