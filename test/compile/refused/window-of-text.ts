// a window needs its type: .window(tumbling('1h'))
import { flights } from '../prelude.ts';
flights.keyBy('origin').window('1h');
