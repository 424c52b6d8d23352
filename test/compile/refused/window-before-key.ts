// window needs a key: write .keyBy('field') before .window(…)
import { flights, tumbling } from '../prelude.ts';
flights.window(tumbling('1h'));
