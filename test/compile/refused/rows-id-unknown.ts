// "nowhere"
import { count, flights } from '../prelude.ts';
flights.keyBy('tailnum').aggregate({ n: count() }, { rows: { id: 'nowhere' } });
