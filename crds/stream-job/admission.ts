// What the API server refuses of a StreamJob before it is stored, where the schema has no types and its rules see nothing
// (rules.ts, L3): inputs that exist, no circles, one verb, keys where they are needed. A ValidatingAdmissionPolicy: CEL that
// the API server runs itself, no webhook, no certificate.
//
//   V1. It refuses only what it is certain of; the rest the operator judges (`failurePolicy: Ignore`: a job too large for the
//       API server's limits on CEL is let through to it).
//   V2. An update is judged only when it changes the spec: an object that was stored before the policy was there can still
//       be labelled, scaled to nothing and deleted.
//   V3. It runs after the schema and its rules: types are as declared, names are unique.

import { oneLine } from '../cel-text.ts';
import type { Json } from '../structural.ts';
import { changeValidations, changeVariables } from './admission-changes.ts';
import { circleValidations, circleVariables } from './admission-circles.ts';
import { inputValidations, inputVariables } from './admission-inputs.ts';
import { podValidations } from './admission-pods.ts';
import { poolValidations, poolVariables } from './admission-pools.ts';
import { subjectValidations } from './admission-subjects.ts';
import { verbValidations } from './admission-verbs.ts';
import type { AdmissionRule, Variable } from './admission-rule.ts';

const NAME = 'streamjobs.millrace.dev';

const variables: readonly Variable[] = [...inputVariables, ...circleVariables, ...changeVariables, ...poolVariables];
export const admissionRules: readonly AdmissionRule[] = [
  ...inputValidations,
  ...circleValidations,
  ...verbValidations,
  ...subjectValidations,
  ...podValidations,
  ...changeValidations,
  ...poolValidations,
];

/** The policy, and that it holds everywhere. */
export function streamJobAdmission(): readonly Json[] {
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name: NAME },
      spec: {
        failurePolicy: 'Ignore',
        matchConstraints: {
          resourceRules: [
            { apiGroups: ['millrace.dev'], apiVersions: ['v1alpha1'], operations: ['CREATE', 'UPDATE'], resources: ['streamjobs'] },
          ],
        },
        matchConditions: [{ name: 'spec-changes', expression: "request.operation == 'CREATE' || object.spec != oldObject.spec" }],
        variables: variables.map(({ name, expression }) => ({ name, expression: oneLine(expression) })),
        validations: admissionRules.map(({ rule, message, messageExpression }) => ({
          expression: oneLine(rule),
          message,
          ...(messageExpression === undefined ? {} : { messageExpression: oneLine(messageExpression) }),
          reason: 'Invalid',
        })),
      },
    },
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: NAME },
      spec: { policyName: NAME, validationActions: ['Deny'] },
    },
  ];
}
