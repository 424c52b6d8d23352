// Admission (admission.ts): a stage has one verb, a key where the verb works per key, and expressions of the right form.

import type { AdmissionRule } from './admission-rule.ts';
import { AGGREGATE_FUNCTIONS } from './aggregates.ts';

const STATELESS = ['map', 'flatMap', 'eventTime', 'enrich', 'sample', 'branch', 'rateLimit', 'validate', 'compress', 'decompress'];
const KEYED = ['window', 'aggregate', 'changelog', 'dedupe', 'join', 'lookup', 'machine', 'pattern', 'reduce', 'xstate'];

const given = (verbs: readonly string[]): string =>
  `[${verbs.map((verb) => `has(x.${verb}) ? '${verb}' : ''`).join(', ')}].filter(v, v != '')`;
/** A window and its aggregate are one verb. */
const verbs = `(${given([...STATELESS, ...KEYED])}.filter(v, v != 'aggregate' || !has(x.window)))`;
const isKeyed = `(${KEYED.map((verb) => `has(x.${verb})`).join(' || ')})`;

/** A text, or a mapping of field to text. */
function codeOrFields(place: string): string {
  const text = (value: string): string => `(type(${value}) == string && size(${value}) > 0 && size(${value}) <= 4096)`;
  return `(${text(place)} || (type(${place}) == map && size(${place}) > 0 && ${place}.all(k, size(k) <= 128 && ${text(`${place}[k]`)})))`;
}

const functions = `[${AGGREGATE_FUNCTIONS.map((name) => `has(x.aggregate[k].${name})`).join(', ')}].filter(f, f).size()`;

const stagesWhere = (condition: string): string => `object.spec.stages.filter(x, ${condition}).map(x, x.name).join(', ')`;

/** No stage is as `wrong` says. */
function none(wrong: string, says: string): AdmissionRule {
  return {
    rule: `!object.spec.stages.exists(x, ${wrong})`,
    message: says,
    messageExpression: `'${says.replaceAll("'", "\\'")}; stages: ' + ${stagesWhere(wrong)}`,
  };
}

const forms: readonly (readonly [place: string, present: string])[] = [
  ['map', 'has(x.map)'],
  ['keyBy', 'has(x.keyBy)'],
];

export const verbValidations: readonly AdmissionRule[] = [
  {
    rule: `!object.spec.stages.exists(x, size(${verbs}) > 1)`,
    message: 'a stage has one verb; make a stage of each',
    messageExpression: `'one verb a stage, make a stage of each: ' +
      object.spec.stages.filter(x, size(${verbs}) > 1).map(x, x.name + ' has ' + ${verbs}.join(' and ')).join(', ')`,
  },
  none(
    `size(${verbs}) == 0 && !has(x.filter) && !has(x.keyBy)`,
    'a stage does nothing: give it one of filter, map, flatMap, eventTime, enrich, sample, branch, rateLimit, validate, compress, decompress, window, aggregate, changelog, dedupe, join, lookup, machine, pattern',
  ),
  none(
    `${isKeyed} && !has(x.keyBy)`,
    'window, aggregate, changelog, dedupe, join, lookup, machine and pattern work per key, and there is none: add keyBy: event.FIELD',
  ),
  none(
    `has(x.keyBy) && !${isKeyed}`,
    'keyBy goes with window, aggregate, changelog, dedupe, join, lookup, machine or pattern: add one of them, or remove keyBy',
  ),
  none(
    `has(x.processingTime) && !(has(x.window) || has(x.dedupe) || has(x.pattern) || (has(x.join) && (has(x.join.within) || has(x.join.window))) || has(x.machine) || has(x.xstate) || has(x.reduce))`,
    'processingTime goes with window, dedupe, pattern, machine, and join with within or window: remove it, or give the stage one of them',
  ),
  none(
    `has(x.processingTime) && ((has(x.machine) && has(x.machine.order) && x.machine.order == 'eventTime') || (has(x.window) && has(x.window.count) && has(x.window.count.order) && x.window.count.order == 'eventTime') || (has(x.xstate) && has(x.xstate.order) && x.xstate.order == 'eventTime'))`,
    'by processingTime events come in the order of their arrival: remove order: eventTime',
  ),
  none(
    `has(x.bootstrap) && !${isKeyed}`,
    'bootstrap fills the state of a stage, and this one has none: it goes with the verbs that need keyBy',
  ),
  none('has(x.tables) && !(has(x.machine) || has(x.reduce))', 'tables goes with machine and reduce; rows are put into events by enrich'),
  none(
    'has(x.tables) && has(object.spec.tables) && !x.tables.all(t, object.spec.tables.exists(y, y.name == t && has(y.from) && !has(y.at)))',
    'a stage names in tables what is no table with from and without at; correct the name, or look the rows up with enrich',
  ),
  none(
    'has(x.feedback) && object.spec.sources.exists(y, y.name == x.feedback.from)',
    'feedback brings back what comes out of the stage itself, or out of stages behind it; a source is before it',
  ),
  none(`has(x.partitions) && !${isKeyed}`, 'only a stage with keyBy has partitions of its own: remove partitions'),
  none(
    `has(x.aggregate) && x.aggregate.exists(k, ${functions} != 1)`,
    `an aggregate has exactly one of ${AGGREGATE_FUNCTIONS.join(', ')} (and where)`,
  ),
  ...forms.map(([field, present]) =>
    none(
      `${present} && !${codeOrFields(`x.${field}`)}`,
      `${field} is a CEL expression of at most 4096 characters, or a mapping of field to expression with at least one field`,
    ),
  ),
  none(
    `has(x.join) && has(x.join.select) && !${codeOrFields('x.join.select')}`,
    'join.select is a CEL expression of at most 4096 characters, or a mapping of field to expression with at least one field',
  ),
  none(
    `has(x.pattern) && has(x.pattern.select) && !${codeOrFields('x.pattern.select')}`,
    'pattern.select is a CEL expression of at most 4096 characters, or a mapping of field to expression with at least one field',
  ),
  none(
    `has(x.flatMap) && type(x.flatMap) != string && !(type(x.flatMap) == list && size(x.flatMap) > 0 && size(x.flatMap) <= 64
      && x.flatMap.all(each, type(each) == map && 'emit' in each))`,
    'flatMap is a CEL expression that gives a list, or a list of 1 to 64 { when, emit }',
  ),
  ...['map', 'keyBy', 'aggregate'].map((field) =>
    none(
      `has(x.${field}) && type(x.${field}) == map && ('true' in x.${field} || 'false' in x.${field})`,
      `${field} has a field named true or false: kubectl reads y, n, yes, no, on and off so; write the name in quotes`,
    ),
  ),
  fieldTypes('sources'),
  fieldTypes('tables'),
  fieldTypes('stages', '.validate'),
];

/** Fields of a schema: a type, or a mapping with one. */
function fieldTypes(list: string, inside = ''): AdmissionRule {
  const types = "['string', 'int', 'double', 'bool', 'timestamp', 'any']";
  const schema = `x${inside}.schema`;
  const present = `${inside === '' ? '' : `has(x${inside}) && `}has(${schema})`;
  const wrong = `${present} && !${schema}.all(k, ${schema}[k] in ${types} || (type(${schema}[k]) == map && 'type' in ${schema}[k] && ${schema}[k].type in ${types}))`;
  const says = 'a field of a schema is string, int, double, bool, timestamp or any, or a mapping with type and nullable';
  return {
    rule: `!object.spec.${list}.exists(x, ${wrong})`,
    message: says,
    messageExpression: `'${says}; ${list}: ' + object.spec.${list}.filter(x, ${wrong}).map(x, x.name).join(', ')`,
  };
}
