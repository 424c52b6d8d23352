// a join needs its time bound: { within: '10m' }
import { flights, movements } from '../prelude.ts';
flights.keyBy('tailnum').join(movements.keyBy('tailnum'), {});
