// a window has one more output, "late", not "delayed"
import { count, flights, tumbling } from '../prelude.ts';
flights.keyBy('origin').window(tumbling('1h')).aggregate({ n: count() }).output('delayed');
