// Admission (admission.ts): keys of mappings that become labels and annotations of pods. Rules of the schema may not read
// keys of unknown length, as the API server fears what that costs.

import type { AdmissionRule } from './admission-rule.ts';

/** Annotations that weaken what a pod may do, or that are not the user's to set. */
const FOREIGN = "'^(([a-z0-9.-]*[.])?millrace[.]dev/|kubectl[.]kubernetes[.]io/|([a-z0-9-]+[.])*(seccomp|apparmor)[.]security[.])'";

function keysOf(field: string): AdmissionRule {
  const wrong = `format.qualifiedName().validate(k).hasValue()`;
  const there = `has(object.spec.workers.${field})`;
  return {
    rule: `!${there} || !object.spec.workers.${field}.exists(k, ${wrong})`,
    message: `a key of workers.${field} is a name such as disk or example.com/disk: letters, digits, -, _ and ., at most 63 after the /`,
    messageExpression: `'a key of workers.${field} is a name such as disk or example.com/disk (letters, digits, -, _ and ., at most 63 after the /), and not: ' +
      object.spec.workers.${field}.filter(k, ${wrong}).map(k, '"' + (size(k) > 80 ? k.substring(0, 80) + '…' : k) + '"').join(', ')`,
  };
}

export const podValidations: readonly AdmissionRule[] = [
  keysOf('nodeSelector'),
  keysOf('annotations'),
  {
    rule: `!has(object.spec.workers.annotations) || !object.spec.workers.annotations.exists(k, k.matches(${FOREIGN}))`,
    message: 'annotations of millrace.dev, kubectl and the security of pods are not for a job to set; remove them',
    messageExpression: `'annotations of millrace.dev, kubectl and the security of pods are not for a job to set; remove ' +
      object.spec.workers.annotations.filter(k, k.matches(${FOREIGN})).join(', ')`,
  },
];
