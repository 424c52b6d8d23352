// The operator's log: one JSON object a line for machines, or a line of text for people.

export type Level = 'info' | 'warn' | 'error';
export type Log = (level: Level, message: string, fields?: Readonly<Record<string, unknown>>) => void;

export function makeLog(form: 'json' | 'text', write: (line: string) => void): Log {
  return (level, message, fields = {}) => {
    const time = new Date().toISOString();
    if (form === 'json') write(`${JSON.stringify({ time, level, msg: message, ...fields })}\n`);
    else
      write(
        `${time} ${level} ${message}${Object.entries(fields)
          .map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
          .join('')}\n`,
      );
  };
}
