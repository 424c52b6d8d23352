// pattern needs a key: write .keyBy('field') before .pattern(…)
import { flights } from '../prelude.ts';
flights.pattern({ steps: [{ name: 'a' }] });
