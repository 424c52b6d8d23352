// Every query that the benchmark knows, by name.

import * as classic from './classic.ts';
import * as suite from './suite.ts';
import * as winning from './winning-bids.ts';
import type { ModelMaker } from './model.ts';

/** Those that Apache Beam has answers for. */
const BEAM = ['q0', 'q1', 'q2', 'q3', 'q4', 'q5', 'q6', 'q7', 'q8', 'q9', 'q11', 'q12'] as const;
/** The rest of the suite, as the SQL of nexmark/nexmark says. */
export const SUITE = ['q10', 'q13', 'q14', 'q15', 'q16', 'q17', 'q18', 'q19', 'q20', 'q21', 'q22'] as const;
export const QUERY_NAMES = ['count', ...BEAM, ...SUITE] as const;
export type QueryName = (typeof QUERY_NAMES)[number];

export const MODELS: Readonly<Record<QueryName, ModelMaker>> = { ...classic, ...winning, ...suite };

/** Queries of bids with a channel and a url. */
export function needsChannels(query: QueryName): boolean {
  return ['q16', 'q21', 'q22'].includes(query);
}
