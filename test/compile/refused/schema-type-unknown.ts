// Type '"integer"' is not assignable to type
import { file } from '../prelude.ts';
file({ path: 's', schema: { delay: 'integer' } });
