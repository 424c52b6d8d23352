// there is no branch "late"; there are:
import { flights } from '../prelude.ts';
flights.branch({ early: (flight) => flight.depDelay < 0 }).output('late');
