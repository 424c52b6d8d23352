// Admission (admission.ts): subjects of NATS are well formed, and no job reads or writes those of Millrace or of NATS itself.

import type { AdmissionRule } from './admission-rule.ts';

/** Tokens with dots between them; in a source each may be a wildcard. */
const WITH_WILDCARDS = "'^(([^\\\\s.*>]+|[*])([.]([^\\\\s.*>]+|[*]))*([.]>)?|>)$'";
const PLAIN = "'^[^\\\\s.*>]+([.][^\\\\s.*>]+)*$'";
/** A `$` is of NATS, but where a parameter begins. */
const FOREIGN = "'^(mr([.]|$)|_|[$]([^{]|$))'";

const ofSources = 'object.spec.sources.map(x, has(x.nats) ? x.nats.subjects : [])';
const ofSinks = '[object.spec.sinks.filter(x, has(x.nats)).map(x, x.nats.subject)]';

/** No subject of `lists` is as `wrong` says of s. A parameter in it is judged when its value is known. */
function none(lists: string, wrong: string, says: string): AdmissionRule {
  return {
    rule: `!${lists}.exists(list, list.exists(s, ${wrong}))`,
    message: says,
    messageExpression: `'${says}: ' + ${lists}.map(list, list.filter(s, ${wrong})).filter(list, size(list) > 0).map(list, list.join(', ')).join(', ')`,
  };
}

const unlike = (pattern: string): string => `(!s.contains('\${') && !s.matches(${pattern}))`;

export const subjectValidations: readonly AdmissionRule[] = [
  none(
    ofSources,
    unlike(WITH_WILDCARDS),
    'a subject of a source is tokens with dots between them, without blanks; * stands for one token, > at the end for all the rest',
  ),
  none(ofSinks, unlike(PLAIN), 'results go to one subject: tokens with dots between them, without blanks and wildcards'),
  none(ofSources, `s.matches(${FOREIGN})`, 'subjects that begin with mr, $ or _ belong to Millrace and NATS; read others'),
  none(ofSinks, `s.matches(${FOREIGN})`, 'subjects that begin with mr, $ or _ belong to Millrace and NATS; write others'),
];
