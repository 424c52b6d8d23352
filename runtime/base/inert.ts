// Text that nobody trusts (of events, of errors that quote them), so that whoever looks at it sees it and nothing more happens.
//
//   I1. What cannot be seen is made visible: controls, and what turns or hides text. So a terminal is not steered by it.
//   I2. `inert` leaves ends of lines, for who shows lines apart from his own; `inertLine` leaves one line of it.
//   I3. It has an end.

const CHARACTERS_MAX = 20_000;
// Controls, and what turns or hides text: bidirectional marks, characters without width.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Over as many lines as it has. */
export function inert(text: string): string {
  const shown = text.replaceAll(UNSEEN, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20
      ? String.fromCharCode(0x2400 + code)
      : code === 0x7f
        ? '\u2421'
        : `\u27e8U+${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9`;
  });
  return shown.length <= CHARACTERS_MAX ? shown : `${shown.slice(0, CHARACTERS_MAX)}\u2026`;
}

/** On one line. */
export function inertLine(text: string): string {
  return inert(text).replaceAll('\n', '\u240a');
}

/** Its lines from the second on stand behind `margin`: none of them can be taken for a line that begins where ours do. */
export function inertLines(text: string, margin = '  '): string {
  return inert(text).replaceAll('\n', `\n${margin}`);
}

/** JSON of `value` on one line, which says the same: what cannot be seen is escaped, not only what JSON asks for. */
export function inertJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
