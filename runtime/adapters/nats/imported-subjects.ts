// What a job asks in the account of its namespace, and how it is called in the account of the job, which imports it. Pure.
//
//   in the job's account                 in that of its namespace
//   mr.ns.out.orders               ──▶   out.orders
//   mr.ns.$JS.API.STREAM.INFO.IN   ──▶   $JS.API.STREAM.INFO.IN
//                 answer  ◀── the server's own reply subject ◀──  answer
//
//   I1. Whoever has a right in the job's account can have the server send to any subject there. So an account imports just what the
//       workers of its job may ask.
//   I2. No import lies within another: a message would be passed on twice, and servers refuse such an account.

import { subjectContains } from '../../plan/subject.ts';

/** The beginning of all imported subjects. No job is named so: its identity has a `_`. */
export const IMPORT_ROOT = 'mr.ns';

/** Asked once, answered many times: the server must be told so of what it exports. */
const PULLS = '$JS.API.CONSUMER.MSG.NEXT.';

/** What is exported, and where it goes: all that is imported lies in these. Accounts that import say which of it. */
export const EXPORTS = [
  { subject: `${IMPORT_ROOT}.>`, goesTo: '>', answers: 'one' },
  { subject: `${PULLS}*.*`, goesTo: null, answers: 'many' },
] as const;

export type ImportedSubject = {
  /** As it is exported. */
  readonly exported: string;
  /** As it is called in the job's account. */
  readonly local: string;
};

export function importedAs(subject: string): string {
  return `${IMPORT_ROOT}.${subject}`;
}

/** Of subjects of the namespace's account, perhaps with wildcards: what is to be imported. In order, I2. */
export function importsOf(subjects: readonly string[]): readonly ImportedSubject[] {
  return [...new Set(subjects)]
    .filter((subject, _, all) => !all.some((other) => other !== subject && subjectContains(other, subject)))
    .sort()
    .map((subject) => ({ exported: subject.startsWith(PULLS) ? subject : importedAs(subject), local: localOf(importedAs(subject)) }));
}

/** Each `*` by its number: the server asks for that where an import has another name. */
function localOf(subject: string): string {
  let count = 0;
  return subject
    .split('.')
    .map((token) => (token === '*' ? `$${++count}` : token))
    .join('.');
}
