// What code may not say, file by file. What one statement shows (`any`, promises that nobody awaits) is the linter's.
import { isTestSupport, pureRooms, roomOf } from './import-rules.ts';
import { codeOf, isTest, type SourceFile } from './source-files.ts';

const linesMax = 500;

/** Names of what a pure room takes as a port, or does not know at all. */
const impure: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)/, instead: 'take the time from a Clock' },
  { pattern: /\bperformance\./, instead: 'take the time from a Clock' },
  { pattern: /\bMath\.random\b|\brandomUUID\b|\brandomBytes\b|\bgetRandomValues\b/, instead: 'take a Random' },
  { pattern: /\bset(Timeout|Interval|Immediate)\b/, instead: 'return a timer as data, or take a Clock' },
  { pattern: /\bprocess\.\w/, instead: 'take it as an option' },
  { pattern: /\bfetch\(/, instead: 'that is a connector' },
  { pattern: /\bconsole\.\w/, instead: 'return it, or take a logger' },
];

/** What is wrong with a file's code, one sentence each. */
export function codeProblems(file: SourceFile): readonly string[] {
  const code = codeOf(file.text);
  const found: string[] = [];
  const lines = file.text.split('\n').length - 1;
  if (lines > linesMax) found.push(`has ${lines} lines, more than ${linesMax}: it has more than one job`);
  if (/@ts-(ignore|nocheck)/.test(file.text)) found.push('turns the type check off');
  if (pureRooms.includes(roomOf(file.path)) && !isTest(file.path) && !isTestSupport(file.path)) {
    for (const { pattern, instead } of impure) {
      const match = pattern.exec(code);
      if (match !== null) found.push(`says ${match[0]} in a pure room: ${instead}`);
    }
  }
  return found.map((problem) => `${file.path}: ${problem}`);
}
