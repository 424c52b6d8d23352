// A rule and a variable of the admission policy (admission.ts).

export type AdmissionRule = { readonly rule: string; readonly message: string; readonly messageExpression?: string };
/** `variables.name`; made when it is first asked for. */
export type Variable = { readonly name: string; readonly expression: string };
