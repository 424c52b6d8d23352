// Names of Kubernetes objects that a job refers to.

import { z } from 'zod';

/** Kubernetes' own names: lower case, digits, dashes, dots. */
export const objectNameSchema = z
  .string()
  .max(253)
  .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'must be the name of a Kubernetes object');
