// the other side of a join needs a key: write .join(other.keyBy('field'), …)
import { flights, movements } from '../prelude.ts';
flights.keyBy('tailnum').join(movements, { within: '1h' });
