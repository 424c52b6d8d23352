// lookup needs a key: write .keyBy('field') before .lookup(…)
import { flights } from '../prelude.ts';
flights.lookup({ code: () => 1, as: 'a' });
