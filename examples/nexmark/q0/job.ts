// Pass-through: each event once, as it came.
import { job } from 'millrace';
import { nexmarkEvents } from '../events.ts';

export const q0 = job('nexmark-q0', (j) => {
  nexmarkEvents(j).toFile('result.ndjson');
});
