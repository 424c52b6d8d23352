// Admission (admission.ts): inputs of stages and sinks are texts or lists of texts, and name sources or stages that exist.

import type { AdmissionRule, Variable } from './admission-rule.ts';

const READERS = ['stages', 'sinks'] as const;

/** A job with more is not judged here: to look at all of them would take the API server seconds. */
const INPUTS_MAX = 2_048;
const sum = (list: string, of: string): string => `object.spec.${list}.map(x, ${of}).sum()`;

/** From here on `from` is a list, and of texts. */
const lists = '(type(x.from) == list ? x.from : [x.from])';
/** Inputs of a stage: of a join both. */
const inputs = `(${lists} + (has(x.join) ? [x.join['with']] : []) + (has(x.bootstrap) ? x.bootstrap : []))`;

export const inputVariables: readonly Variable[] = [
  {
    name: 'isJudged',
    expression: `${READERS.map((list) => sum(list, '(type(x.from) == list ? size(x.from) : 1)')).join(' + ')} <= ${INPUTS_MAX} &&
      ${READERS.map(
        (list) => `object.spec.${list}.all(x, type(x.from) == string || (type(x.from) == list && x.from.all(f, type(f) == string)))`,
      ).join(' && ')}`,
  },
  {
    name: 'readable',
    expression: `[object.spec.sources.map(x, x.name) + object.spec.stages.map(x, x.name)]
      .map(names, names.transformMapEntry(i, name, {name: true}))[0]`,
  },
  {
    name: 'inputs',
    expression: `!variables.isJudged ? {} : object.spec.stages.transformMapEntry(i, x, {x.name: ${inputs}.map(f, f.split('.')[0])})`,
  },
  {
    name: 'unknown',
    expression: `!variables.isJudged ? [] :
      object.spec.stages.map(x, (variables.inputs[x.name] + (has(x.feedback) ? [x.feedback.from.split('.')[0]] : []))
      .filter(f, !(f in variables.readable)).map(f, x.name + ' reads ' + f)).filter(list, size(list) > 0) +
      object.spec.sinks.map(x, ${lists}.map(f, f.split('.')[0]).filter(f, !(f in variables.readable)).map(f, x.name + ' reads ' + f))
      .filter(list, size(list) > 0) +
      (has(object.spec.tables) ? object.spec.tables : []).map(x, [has(x.from) ? x.from : '', has(x.bootstrap) ? x.bootstrap : '']
      .filter(f, f != '' && !(f.split('.')[0] in variables.readable)).map(f, x.name + ' reads ' + f)).filter(list, size(list) > 0)`,
  },
];

export const inputValidations: readonly AdmissionRule[] = [
  {
    rule: READERS.map((list) => `object.spec.${list}.all(x, type(x.from) == string || type(x.from) == list)`).join(' && '),
    message: 'from is the name of a source or stage (or name.output), or a list of them',
    messageExpression: `'from is the name of a source or stage (or name.output), or a list of them; it is something else in ' +
      (object.spec.stages.filter(x, type(x.from) != string && type(x.from) != list).map(x, x.name) +
      object.spec.sinks.filter(x, type(x.from) != string && type(x.from) != list).map(x, x.name)).join(', ')`,
  },
  {
    rule: READERS.map(
      (list) =>
        `object.spec.${list}.all(x, type(x.from) != list || (size(x.from) > 0 && size(x.from) <= 64 && x.from.all(f, type(f) == string)))`,
    ).join(' && '),
    message: 'a list in from has 1 to 64 names of sources or stages (or name.output)',
  },
  {
    rule: 'size(variables.unknown) == 0',
    message: 'a stage or sink reads what is neither a source nor a stage; correct the name, or declare it',
    messageExpression: `'there is no source or stage of that name; correct it, or declare it: ' +
      variables.unknown.map(list, list.join(', ')).join(', ')`,
  },
  {
    rule: `!variables.isJudged || ${READERS.map(
      (list) => `object.spec.${list}.all(x, type(x.from) != list || x.from.all(f, x.from.exists_one(g, g == f)))`,
    ).join(' && ')}`,
    message: 'an input is named twice in one from: its events would come twice; name it once',
    messageExpression: `'an input is named twice, its events would come twice; name it once in the from of ' + (${READERS.map(
      (list) => `object.spec.${list}.filter(x, type(x.from) == list && !x.from.all(f, x.from.exists_one(g, g == f))).map(x, x.name)`,
    ).join(' + ')}).join(', ')`,
  },
];
