// a window needs its type: .window(tumbling('1h'))
import { count, flights } from '../prelude.ts';
flights.keyBy('origin').window().aggregate({ n: count() });
