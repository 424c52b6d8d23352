// Texts that several parts of the schema share: names and durations.

import { z } from 'zod';

const NAME = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DURATION = /^(\d+(\.\d+)?(ms|s|m|h|d))+$/;

/** Names of sources, stages, sinks: lower case, digits, dashes; they become part of subjects, streams and metrics. */
export const nameSchema = z
  .string()
  .max(63)
  .regex(NAME, 'must be lower-case letters, digits and dashes, start with a letter, and have at most 63 characters');

/** `250ms`, `10s`, `1h30m`, `3d`. */
export const durationSchema = z.string().regex(DURATION, 'must be a duration such as 250ms, 10s, 1h30m or 3d').max(32);

/** What a bare key `on` becomes where YAML 1.1 is read (kubectl, Helm). */
export const ON_IN_YAML_1_1 = 'true';
