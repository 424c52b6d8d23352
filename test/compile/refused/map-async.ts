// a transform is synchronous: do I/O in a source, a sink or an enrich table, not in a function of the job
import { flights } from '../prelude.ts';
flights.map(async (f) => f.origin);
