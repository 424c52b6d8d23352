// Admission (admission.ts): keys of mappings that become labels and annotations of pods. Rules of the schema may not read
// keys of unknown length, as the API server fears what that costs.

import type { AdmissionRule } from './admission-rule.ts';

/** Annotations that weaken what a pod may do, or that are not the user's to set. */
const FOREIGN = "'^(([a-z0-9.-]*[.])?millrace[.]dev/|kubectl[.]kubernetes[.]io/|([a-z0-9-]+[.])*(seccomp|apparmor)[.]security[.])'";

type Place = {
  /** Of messages. */ readonly shown: string;
  /** Whether one of its keys is such. */ readonly exists: (field: string, wrong: string) => string;
  /** Those that are. */ readonly found: (field: string, wrong: string) => string;
};

const places: readonly Place[] = [
  {
    shown: 'workers',
    exists: (field, wrong) => `(has(object.spec.workers.${field}) && object.spec.workers.${field}.exists(k, ${wrong}))`,
    found: (field, wrong) => `object.spec.workers.${field}.filter(k, ${wrong})`,
  },
  {
    shown: 'pools[].workers',
    exists: (field, wrong) => `object.spec.pools.exists(p, has(p.workers.${field}) && p.workers.${field}.exists(k, ${wrong}))`,
    found: (field, wrong) =>
      `object.spec.pools.filter(p, has(p.workers.${field})).map(p, p.workers.${field}.filter(k, ${wrong})).flatten()`,
  },
];

function keysOf({ shown, exists, found }: Place, field: string): AdmissionRule {
  const wrong = 'format.qualifiedName().validate(k).hasValue()';
  return {
    rule: `!${exists(field, wrong)}`,
    message: `a key of ${shown}.${field} is a name such as disk or example.com/disk: letters, digits, -, _ and ., at most 63 after the /`,
    messageExpression: `'a key of ${shown}.${field} is a name such as disk or example.com/disk (letters, digits, -, _ and ., at most 63 after the /), and not: ' +
      ${found(field, wrong)}.map(k, '"' + (size(k) > 80 ? k.substring(0, 80) + '…' : k) + '"').join(', ')`,
  };
}

function foreignIn({ exists, found }: Place): AdmissionRule {
  const wrong = `k.matches(${FOREIGN})`;
  return {
    rule: `!${exists('annotations', wrong)}`,
    message: 'annotations of millrace.dev, kubectl and the security of pods are not for a job to set; remove them',
    messageExpression: `'annotations of millrace.dev, kubectl and the security of pods are not for a job to set; remove ' +
      ${found('annotations', wrong)}.join(', ')`,
  };
}

export const podValidations: readonly AdmissionRule[] = places.flatMap((place) => [
  keysOf(place, 'nodeSelector'),
  keysOf(place, 'annotations'),
  foreignIn(place),
]);
