// a pattern has two more outputs, "timedOut" and "late", not "timeout"
import { flights } from '../prelude.ts';
flights
  .keyBy('origin')
  .pattern({ steps: [{ name: 'a' }] })
  .output('timeout');
