// Objects as a template of the chart: there they are upgraded with it, and stay when it is removed.
//
//   H1. What in them looks like an action of a template ({{ … }}) is kept as it is.

import { stringify } from 'yaml';
import type { Json } from './structural.ts';

const KEEP = `  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
`;

export function chartTemplate(objects: readonly Json[]): string {
  return `{{- if .Values.crds.install }}\n${objects.map(one).join('---\n')}{{- end }}\n`;
}

function one(object: Json): string {
  const text = escaped(stringify(object, { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false }));
  const kept = text.replace(/^metadata:\n {2}name: .*\n/m, (lines) => lines + KEEP);
  if (kept === text) throw new Error('an object of the chart begins its metadata with its name');
  return kept;
}

function escaped(text: string): string {
  return text.replace(/\{\{|\}\}/g, (braces) => `{{ ${JSON.stringify(braces)} }}`);
}
