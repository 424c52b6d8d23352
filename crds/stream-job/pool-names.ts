// Names that no pool of a job may have (pools.ts), for those too who need nothing else of the schema.

/** The pool of stages that no pool names. */
export const DEFAULT_POOL = 'default';
/** No part of a pool's name, between dashes. */
export const RESERVED_POOL_PART = 'worker';
