// Property 'dealy' does not exist on type '{ delay: number; }'. Did you mean 'delay'?
import { file, j } from '../prelude.ts';
j.source('s', file({ path: 's', schema: { delay: 'double' } })).map((event) => event.dealy);
