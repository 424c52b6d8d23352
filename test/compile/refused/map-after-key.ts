// after .keyBy(…) comes window, aggregate, dedupe, join, pattern, machine or reduce: write .map(…) before .keyBy(…)
import { flights } from '../prelude.ts';
flights.keyBy('origin').map((f: unknown) => f);
