// aggregate needs a key: write .keyBy('field') before .aggregate(…)
import { count, flights } from '../prelude.ts';
flights.aggregate({ n: count() });
