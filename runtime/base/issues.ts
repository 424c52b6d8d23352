// A bad declaration: every mistake at once, each with its path, what was found, and what to do.

/** One mistake in something a user wrote. `path` is where: `spec.stages[2].window.size`. */
export type Issue = {
  readonly path: string;
  /** What is wrong, with the value seen: `unknown stage "hourli"`. */
  readonly message: string;
  /** What to do: `did you mean "hourly"?`, `allowed: …`. */
  readonly fix?: string;
  /** 1-based place in the file, when the declaration came from one. */
  readonly line?: number;
  readonly column?: number;
};

/** Thrown (or rejected with) when a declaration has issues; it carries all of them. */
export class BadDeclaration extends Error {
  override readonly name = 'BadDeclaration';
  readonly issues: readonly Issue[];
  readonly subject: string;

  /** `subject` names what was declared: a file's path, or `job flights`. */
  constructor(subject: string, issues: readonly Issue[]) {
    super(`${subject}: ${issues.length} ${issues.length === 1 ? 'mistake' : 'mistakes'}\n${issues.map(formatIssue).join('\n')}`);
    this.subject = subject;
    this.issues = issues;
  }
}

/** One line for people: `12:7 spec.stages[2].from: unknown stage "x" (did you mean "y"?)`. */
export function formatIssue(issue: Issue): string {
  const place = issue.line === undefined ? '' : `${issue.line}:${issue.column ?? 1} `;
  const fix = issue.fix === undefined ? '' : ` (${issue.fix})`;
  return `  ${place}${issue.path}: ${issue.message}${fix}`;
}
