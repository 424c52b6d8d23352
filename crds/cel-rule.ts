// A rule that the API server holds an object to, beyond its schema, in Kubernetes' CEL; and the form of lists, which it needs
// to know to merge them and to compare an item with what it was before.

export type CelRule = {
  /** The place of `self`: `spec.sources[]` is each item of a list, `spec.values{}` each value of a mapping, '' the object. */
  readonly at: string;
  readonly rule: string;
  /** Said when the rule does not hold, and what to do. */
  readonly message: string;
  /** The same with the values seen; the message is said when it cannot be made. */
  readonly messageExpression?: string;
};

export type ListForm = { readonly at: string; readonly keys: readonly string[] } | { readonly at: string; readonly isSet: true };

export type Column = {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** Shown by `-o wide` only. */
  readonly isWide?: true;
};
