// Property 'mean' does not exist on type '{ windowStartMs: number; windowEndMs: number; n: number; origin: string; }'
import { count, flights, tumbling } from '../prelude.ts';
flights
  .keyBy('origin')
  .window(tumbling('1h'))
  .aggregate({ n: count() })
  .map((r) => r.mean);
