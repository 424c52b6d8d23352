// events have no field "tailnumm" to key by; they have:
import { flights } from '../prelude.ts';
flights.keyBy('tailnumm').dedupe('1h');
