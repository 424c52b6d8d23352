// Names that no pool of a job may have (pools.ts), for those too who need nothing else of the schema.

/** The pool of stages that no pool names. */
export const DEFAULT_POOL = 'default';
/** Becomes part of a Deployment's name. */
export const POOL_NAME = /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/;
/** No part of a pool's name, between dashes. */
export const RESERVED_POOL_PART = 'worker';
