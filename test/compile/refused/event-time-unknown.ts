// "at"
import { flights } from '../prelude.ts';
flights.eventTime({ at: 'at' });
