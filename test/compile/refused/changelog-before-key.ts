// changelog needs a key: write .keyBy('id') before .changelog(…)
import { flights } from '../prelude.ts';
flights.changelog({});
