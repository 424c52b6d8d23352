// Type '"tail"' is not assignable to type
import { file, flights, j } from '../prelude.ts';
const planes = j.table('planes', file<{ tailnum: string }>({ path: 'p' }), { key: 'tailnum' });
flights.enrich({ plane: planes.lookup({ key: 'tail' }) });
