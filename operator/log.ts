// The operator's log: one JSON object a line for machines, or a line of text for people. A line is one line, whatever text of users
// or of the cluster it quotes (base/inert.ts).

import { inertJson, inertLine } from '../runtime/base/inert.ts';

export type Level = 'info' | 'warn' | 'error';
export type Log = (level: Level, message: string, fields?: Readonly<Record<string, unknown>>) => void;

export function makeLog(form: 'json' | 'text', write: (line: string) => void): Log {
  return (level, message, fields = {}) => {
    const time = new Date().toISOString();
    if (form === 'json') write(`${inertJson({ time, level, msg: message, ...fields })}\n`);
    else
      write(
        `${time} ${level} ${inertLine(message)}${Object.entries(fields)
          .map(([name, value]) => ` ${name}=${inertJson(value)}`)
          .join('')}\n`,
      );
  };
}
