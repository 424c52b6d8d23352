// Rules on sources, tables and sinks of a StreamJob on a cluster (rules.ts, L1–L4). Subjects: admission-subjects.ts.

import type { CelRule } from '../cel-rule.ts';
import { firstName } from '../cel-text.ts';

const PARAMETER = "'${'";
const SUBJECTS = '[self.sinks.filter(x, has(x.nats)).map(x, x.nats.subject)]';

function streamRules(at: string): readonly CelRule[] {
  return [
    {
      at,
      rule: `!has(self.stream) || self.stream.contains(${PARAMETER}) || (self.stream.matches('^[^\\\\s.*>/\\\\\\\\]+$') && !self.stream.startsWith('MR_'))`,
      message: 'the name of a JetStream stream has no blanks and none of . * > / \\, and MR_ is the beginning of those of Millrace itself',
    },
  ];
}

export const connectorRules: readonly CelRule[] = [
  {
    at: 'spec.sources[]',
    rule: 'has(self.file) != has(self.nats)',
    message: 'a source is connected to exactly one of file, nats',
    messageExpression: `'source "' + self.name + (has(self.file) ? '" is connected to file and nats: keep one' : '" is connected to nothing: give it file or nats')`,
  },
  {
    at: 'spec.tables[]',
    rule: 'has(self.file) != has(self.from)',
    message: 'a table comes from exactly one of file, from',
  },
  {
    at: 'spec.tables[]',
    rule: 'has(self.from) ? has(self.at) == has(self.keepFor) && (has(self.at) || !has(self.validFor)) : !has(self.asOf) && !has(self.maxWaiting) && !has(self.deleted) && !has(self.bootstrap) && !has(self.keepFor)',
    message: 'asOf, maxWaiting, deleted, bootstrap and keepFor go with a table from a stream, whose at needs keepFor',
  },
  {
    at: 'spec.sinks[]',
    rule: '!has(self.file)',
    message: 'a sink on a cluster cannot write a file, as pods have no lasting file system; write to NATS: nats: { subject: … }',
    messageExpression: `'sink "' + self.name + '" writes a file, and pods have no lasting file system; write to NATS: nats: { subject: … }'`,
  },
  {
    at: 'spec.sinks[]',
    rule: 'has(self.file) || has(self.nats) != has(self.journal)',
    message: 'a sink is connected to exactly one of nats, journal',
    messageExpression: `'sink "' + self.name + (has(self.nats) ? '" is connected to nats and journal: keep one' : '" is connected to nothing: give it nats or journal')`,
  },
  {
    at: 'spec',
    rule: `(self.tables.all(t, !has(t.file)) && self.sources.all(s, !has(s.file))) || (has(self.workers.files) && size(self.workers.files) > 0)`,
    message: 'the job reads files, and workers are given none: put them into a ConfigMap and name it in spec.workers.files',
  },
  {
    at: 'spec',
    // By a list of texts: to compare the sinks themselves takes the API server seconds.
    rule: `${SUBJECTS}.all(subjects, subjects.all(s, subjects.indexOf(s) == subjects.lastIndexOf(s)))`,
    message: 'two sinks write one subject; give each a subject that only it writes',
    messageExpression: `${SUBJECTS}.map(subjects, 'sink "' +
      ${firstName('sinks', 'has(x.nats) && subjects.indexOf(x.nats.subject) != subjects.lastIndexOf(x.nats.subject)')} +
      '" writes a subject that another sink writes, too; give each its own')[0]`,
  },
  ...streamRules('spec.sources[].nats'),
  ...streamRules('spec.sinks[].nats'),
];
