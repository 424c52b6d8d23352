// Machines: an XState configuration whose guards, assigns and emitted events are CEL.

import { z } from 'zod';
import { codeOrFieldsSchema, codeSchema, fieldsSchema } from './code.ts';
import { durationSchema } from './names.ts';

const TRANSITIONS = 'must be the name of a target state, a transition, or a list of transitions';
const actionSchema = z.strictObject({
  assign: fieldsSchema.optional().describe('Context field → CEL over `context`, `event`, `key`.'),
  emit: z
    .strictObject({
      output: z
        .string()
        .max(63)
        .regex(/^[a-zA-Z][a-zA-Z0-9_-]*$/, 'must be letters, digits, - and _, and start with a letter'),
      value: codeOrFieldsSchema,
    })
    .optional()
    .describe('An event out of the stage, on the named output.'),
  raise: z
    .strictObject({
      type: z.string().min(1).max(128),
      data: fieldsSchema.optional(),
      delay: codeSchema.optional(),
      id: codeSchema.optional(),
    })
    .optional()
    .describe('An event to this machine itself: at once, or by a durable timer after delay (a duration, or CEL giving ms).'),
  sendTo: z
    .strictObject({
      key: codeSchema.describe('CEL: the key of the actor that gets the event, of the form of `key` here.'),
      type: z.string().min(1).max(128),
      data: fieldsSchema.optional(),
      delay: codeSchema.optional(),
      id: codeSchema.optional(),
    })
    .optional()
    .describe('An event to the actor of another key of this machine: with this step, or by a durable timer of the sender after delay.'),
  cancel: codeSchema.optional().describe('Cancels the durable timer of that id.'),
});
export type MachineAction = z.infer<typeof actionSchema>;

const transitionSchema = z.strictObject({
  target: z
    .union([z.string().max(255), z.array(z.string().max(255)).max(16)], { error: 'must be the name of a target state, or a list of them' })
    .optional(),
  guard: codeSchema.optional(),
  actions: z.array(actionSchema).max(64).optional(),
  reenter: z.boolean().optional(),
});
export type MachineTransition = z.infer<typeof transitionSchema>;
const transitionsSchema = z.union([z.string().max(255), transitionSchema, z.array(transitionSchema).max(64)], { error: TRANSITIONS });

export type MachineState = {
  type?: 'atomic' | 'compound' | 'parallel' | 'final' | 'history' | undefined;
  history?: 'shallow' | 'deep' | undefined;
  initial?: string | undefined;
  target?: string | undefined;
  states?: Record<string, MachineState> | undefined;
  on?: Record<string, z.infer<typeof transitionsSchema>> | undefined;
  always?: z.infer<typeof transitionsSchema> | undefined;
  /** Duration → transition, by a durable timer. */
  after?: Record<string, z.infer<typeof transitionsSchema>> | undefined;
  entry?: MachineAction[] | undefined;
  exit?: MachineAction[] | undefined;
  onDone?: z.infer<typeof transitionsSchema> | undefined;
};
const stateFields = {
  type: z.enum(['atomic', 'compound', 'parallel', 'final', 'history']).optional(),
  history: z.enum(['shallow', 'deep']).optional(),
  initial: z.string().max(255).optional().describe('The state inside that is entered first.'),
  target: z.string().max(255).optional().describe('Of a history state: where it leads when there is no history yet.'),
  on: z
    .record(z.string().min(1).max(255), transitionsSchema)
    .optional()
    .describe('Type of event → target, transition { target, guard, actions, reenter }, or a list of transitions.'),
  always: transitionsSchema.optional().describe('Transitions that are taken at once when their guard holds.'),
  after: z.record(durationSchema, transitionsSchema).optional().describe('Duration → transitions, by a durable timer.'),
  entry: z.array(actionSchema).max(64).optional().describe('What is done when it is entered.'),
  exit: z.array(actionSchema).max(64).optional().describe('What is done when it is left.'),
  onDone: transitionsSchema.optional().describe('Transitions that are taken when its final state is reached.'),
};
const stateSchema: z.ZodType<MachineState> = z.lazy(() =>
  z.strictObject({ ...stateFields, states: z.record(z.string().min(1).max(128), stateSchema).optional() }),
);

export const actorOrder = z.enum(['eventTime', 'arrival']);
/** Default: transforms/actor/state-size.ts. */
export const actorStateBytesMax = z
  .int()
  .min(64)
  .max(67_108_864)
  .optional()
  .describe('Bytes that the context of one actor may have; 262144 when absent. An event that would make it larger is a dead letter.');
export const actorUnhandled = z.enum(['deadLetter', 'ignore']);
export const machineSchema = z.strictObject({
  order: actorOrder
    .default('arrival')
    .describe('eventTime: events of a key are taken in event-time order (held until the watermark passes them). arrival: as they come.'),
  unhandled: actorUnhandled.default('deadLetter').describe('What becomes of an event that the current state does not handle.'),
  stateBytesMax: actorStateBytesMax,
  eventType: codeSchema.optional().describe("The event's type, over `event`; its field `type` when absent."),
  context: z.record(z.string().min(1).max(128), z.json()).default({}).describe('Initial context: plain values.'),
  ...stateFields,
  states: z
    .record(z.string().min(1).max(128), stateSchema)
    .describe('States by name. Each may have what the machine has from type to onDone, and states itself.'),
});
export type MachineSpec = z.infer<typeof machineSchema>;
