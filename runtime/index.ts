// Millrace's public API: how to declare a job in TypeScript, and what its failures are.
//
// test/compat/public-api.txt holds this surface as text; a change of it is a visible diff.

export { BadDeclaration, type Issue } from './base/issues.ts';
export { MillraceError, type ErrorCode } from './base/errors.ts';
export type { StreamJob, StreamJobInput } from '../crds/stream-job/spec.ts';
export { job, from, type Job, type JobOptions, type JobParts, type ParameterOptions } from './job/job.ts';
export { file, nats, type Origin, type EventTimeOptions, type AlignmentOptions, type IdleOptions } from './job/source.ts';
export { tumbling, sliding, session, countWindow, globalWindow, type Trigger, type Window } from './job/window.ts';
export {
  count,
  sum,
  mean,
  min,
  max,
  first,
  last,
  collect,
  approxDistinct,
  distinct,
  heavyHitters,
  quantiles,
  reservoir,
  stddev,
  variance,
  top,
  type Aggregate,
  type AggregateOptions,
  type HeavyHitter,
  type TopOptions,
} from './job/aggregates.ts';
export { cel, type Cel } from './job/cel.ts';
export type { AnyEvent, EventCode, EventFunction, FieldCodes } from './job/code.ts';
export type { EventSchema, SchemaField, TypeOfSchema } from './job/schema-type.ts';
export type { Lookup, LookupOptions, Table, TableOptions } from './job/table.ts';
export type {
  AggregatedStream,
  Emits,
  FeedbackOptions,
  KeyedStream,
  KeyOptions,
  MachineStream,
  NatsSinkOptions,
  PatternStream,
  ProcessingTimeOptions,
  ReducedStream,
  RowsOptions,
  SinkOptions,
  Stream,
  WindowedStream,
} from './job/stream.ts';
export { sendToKey, type SendArgs, type SendToKeyParts } from './job/send-to-key.ts';
export type { DeclaredMachine, MachineOptions, XStateMachine } from './job/machine-type.ts';
export type { Match, Matched, MatchSelect, PatternCondition, PatternOptions, PatternStepOptions } from './job/pattern-type.ts';
export type { Actor, ActorContext, Migration, PendingTimer, StateOptions } from './job/reduce-type.ts';
export { cell, type AddingHandle, type CellKind, type ListHandle, type MapHandle, type ValueHandle } from './job/cell.ts';
export type { Mistake } from './job/mistake.ts';
