// a lookup has one more output, "failed", not "late"
import { flights } from '../prelude.ts';
flights
  .keyBy('origin')
  .lookup({ code: () => 1, as: 'a' })
  .output('late');
