// a temporal join takes { grace, deleted, validFor } and is inner or left: rows wait for events, none of them is ever without a match
import { flights, movements } from '../prelude.ts';
flights.keyBy('tailnum').join(movements.keyBy('tailnum'), { temporal: {}, type: 'full' });
