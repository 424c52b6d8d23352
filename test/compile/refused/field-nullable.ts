// 'f.tailnum' is possibly 'null'
import { flights } from '../prelude.ts';
flights.map((f) => f.tailnum.length);
