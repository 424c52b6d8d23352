// What only the operator can see: the API server takes these jobs, the operator refuses them (Stalled, reason InvalidSpec) with
// these words and makes no pod.
import { stringify } from 'yaml';
import { job, sink, source, stage, type Fields, type Manifest } from './sample.ts';

export type OperatorRefusal = {
  readonly fact: string;
  /** Of the StreamJob; all differ. */
  readonly name: string;
  readonly object: Manifest;
  /** The object, for `kubectl apply -f -`. */
  readonly yaml: string;
  /** Part of the message. */
  readonly says: string;
};

type Row = readonly [name: string, fact: string, changes: Fields, says: string];

const typed: Fields = { ...source, schema: { at: 'timestamp', id: 'string', amount: 'double' } };
/** With another stage beside the good one. */
const added = (changes: Fields, from: Fields = source): Fields => ({
  sources: [from],
  stages: [stage, { name: 'added', from: 'events', ...changes }],
});
const keyed = (changes: Fields, from: Fields = source): Fields => added({ keyBy: 'event.id', ...changes }, from);
const machine = (states: Fields, more: Fields = {}): Fields => keyed({ machine: { initial: 'a', states, ...more } });
const untimed: Fields = { name: 'events', nats: { subjects: ['shop.events'] } };

const rows: readonly Row[] = [
  ['syntax', 'an expression that ends too early', added({ filter: 'event.id >' }), 'syntax'],
  ['number-filter', 'a filter that gives a number', added({ filter: '1 + 1' }), 'gives int, where true or false is needed'],
  ['unknown-field', 'a field that the source does not declare', added({ filter: "event.idd == 'a'" }, typed), 'event has no field idd'],
  ['unknown-name', 'a variable that there is not', added({ map: { a: 'evnt.id' } }), 'unknown name evnt'],
  ['unknown-function', 'a function that there is not', added({ map: { a: 'lenght(event.id)' } }), 'unknown function lenght()'],
  [
    'mixed-types',
    'a text and a number added',
    added({ map: { a: 'event.id + event.amount' } }, typed),
    'cannot use + on string and double',
  ],
  [
    'text-time',
    'event time that is a text',
    { sources: [{ ...typed, eventTime: { at: 'event.id' } }] },
    'gives string, where a number is needed',
  ],
  [
    'closes-before-idle',
    'event time that goes on before its split is idle',
    { sources: [{ ...typed, idle: { after: '1m', closeAfter: '10s' } }] },
    '10s is less than after: 1m',
  ],
  [
    'no-time',
    'alignment without event time',
    { sources: [{ ...typed, eventTime: undefined, alignment: { maxDrift: '1m' } }] },
    'has no event time that its splits could go on by',
  ],
  ['text-sum', 'a sum of texts', keyed({ aggregate: { a: { sum: 'event.id' } } }, typed), 'gives string, where a number is needed'],
  ['no-list', 'a flatMap that gives no list', added({ flatMap: 'event.id' }, typed), 'where a list is needed'],
  [
    'key-twice',
    'an aggregate with the name of the key',
    keyed({ aggregate: { id: { count: {} } } }),
    'results already have a field "id": the key',
  ],
  [
    'window-name',
    'an aggregate with the name of a window',
    keyed({ window: { session: { gap: '1h' } }, aggregate: { windowEndMs: { count: {} } } }),
    'results already have a field "windowEndMs": the window\'s',
  ],
  [
    'many-windows',
    'an event in too many windows',
    keyed({ window: { sliding: { size: '30d', every: '1s' } }, aggregate: { a: { count: {} } } }),
    'at most 10000 are possible',
  ],
  [
    'long-gap',
    'gaps between windows, in days',
    keyed({ window: { sliding: { size: '1d', every: '2d' } }, aggregate: { a: { count: {} } } }),
    'events between windows would count nowhere',
  ],
  ['long-time', 'a duration of centuries', keyed({ dedupe: { ttl: '90000d' } }), 'is longer than'],
  [
    'no-window-time',
    'a window without event time',
    keyed({ window: { session: { gap: '1h' } }, aggregate: { a: { count: {} } } }, untimed),
    'a window needs event time',
  ],
  ['no-dedupe-time', 'dedupe without event time', keyed({ dedupe: { ttl: '1h' } }, untimed), 'dedupe needs event time'],
  ['no-output', 'an output that a stage does not have', { sinks: [{ ...sink, from: 'counts.later' }] }, '"counts" has no output "later"'],
  ['source-output', 'an output of a source', { sinks: [{ ...sink, from: 'events.late' }] }, '"events" has no output "late"'],
  [
    'odd-reference',
    'a reference that is none',
    { sinks: [{ ...sink, from: 'counts.late.more' }] },
    'must be the name of a source or stage',
  ],
  [
    'overlap',
    'subjects that overlap',
    { sources: [{ ...source, nats: { subjects: ['shop.*', 'shop.events'] } }] },
    'have messages in common, which would come twice',
  ],
  ['no-initial', 'a machine without an initial state', keyed({ machine: { states: { a: {}, b: {} } } }), 'initial is missing'],
  ['no-target', 'a transition to no state', machine({ a: { on: { go: 'c' } }, b: {} }), 'the target "c" leads to no state'],
  ['no-action', 'an action that does nothing', machine({ a: { entry: [{}] } }), 'the action does nothing'],
  [
    'odd-state',
    'an unknown field of a state inside a state',
    machine({ a: { initial: 'b', states: { b: { onn: {} } } } }),
    'unknown field "onn"',
  ],
  [
    'odd-guard',
    'a guard on a field that the context lacks',
    machine({ a: { on: { go: { target: 'a', guard: 'context.sen' } } } }, { context: { seen: false } }),
    'context has no field sen',
  ],
  ['odd-transition', 'a transition that is a number', machine({ a: { on: { go: 5 } } }), 'must be the name of a target state'],
  ['odd-emit', 'a flatMap with a field too many', added({ flatMap: [{ emit: 'event', wen: 'true' }] }), 'unknown field "wen"'],
  [
    'odd-schema',
    'a schema with a field too many',
    { sources: [{ ...source, schema: { id: { type: 'string', nullabel: true } } }] },
    'unknown field "nullabel"',
  ],
  ['no-parameter', 'a parameter that is not declared', added({ filter: 'event.id == ${id}' }), 'id'],
  [
    'parameter-duration',
    'a parameter that is no duration',
    { ...keyed({ dedupe: { ttl: '${ttl}' } }), parameters: [{ name: 'ttl', default: 'long' }] },
    'must be a duration',
  ],
  [
    'parameter-subject',
    'a parameter that leads to a subject of Millrace',
    { sinks: [{ ...sink, nats: { subject: '${to}' } }], parameters: [{ name: 'to', default: 'mr.other_job.counts.0' }] },
    'begins with mr',
  ],
  ['long-circle', 'a circle longer than the policy follows', longCircle(), 'these stages read each other in a circle'],
];

export const operatorRefusals: readonly OperatorRefusal[] = rows.map(([name, fact, changes, says]) => {
  const object = job(changes, { name });
  return { fact, name, object, yaml: stringify(object, { version: '1.1', aliasDuplicateObjects: false }), says };
});

/** A chain into a circle: stages fall off the chain one a round, so the rounds end first. */
function longCircle(): Fields {
  const chain = Array.from({ length: 60 }, (_, i) => ({ name: `c${i}`, from: i === 0 ? 'events' : `c${i - 1}`, map: 'event' }));
  return {
    stages: [...chain, { name: 'x', from: ['c59', 'y'], map: 'event' }, { name: 'y', from: 'x', map: 'event' }],
    sinks: [{ ...sink, from: 'y' }],
  };
}
