// Every query that the benchmark knows, by name.

import * as classic from './classic.ts';
import * as winning from './winning-bids.ts';
import type { ModelMaker } from './model.ts';

export const QUERY_NAMES = ['q0', 'q1', 'q2', 'count', 'q3', 'q4', 'q5', 'q6', 'q7', 'q8', 'q9', 'q11', 'q12'] as const;
export type QueryName = (typeof QUERY_NAMES)[number];

export const MODELS: Readonly<Record<QueryName, ModelMaker>> = { ...classic, ...winning };
