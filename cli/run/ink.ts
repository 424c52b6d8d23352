// Colours and weights of terminal text, or none of them; and the length of text without them.

export type Paint = (text: string) => string;

export type Ink = {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  /** One colour per worker: of few that are told apart, again from the first when there are more. */
  readonly worker: (place: number) => Paint;
};

const plain: Paint = (text) => text;
const sgr =
  (on: string, off: string): Paint =>
  (text) =>
    text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`;

const WORKER_COLOURS = ['36', '35', '33', '34', '32', '96', '95', '93', '94', '92'].map((code) => sgr(code, '39'));

const coloured: Ink = {
  bold: sgr('1', '22'),
  dim: sgr('2', '22'),
  red: sgr('31', '39'),
  green: sgr('32', '39'),
  yellow: sgr('33', '39'),
  worker: (place) => WORKER_COLOURS[place % WORKER_COLOURS.length] ?? plain,
};
const uncoloured: Ink = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain, worker: () => plain };

export function inkFor(hasColor: boolean): Ink {
  return hasColor ? coloured : uncoloured;
}

/** Whether a stream is a terminal that takes colours, and its owner wants them (no-color.org). */
export function wantsColor(
  stream: { readonly isTTY?: boolean; hasColors?(): boolean },
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && (environment['NO_COLOR'] ?? '') === '' && stream.hasColors?.() === true;
}

const ESCAPES = /\u001b\[[0-9;?]*[A-Za-z]/g;

/** Characters that a terminal shows of `text`. */
export function shownLength(text: string): number {
  return [...text.replace(ESCAPES, '')].length;
}

/** At most `width` shown characters of `text`; what colours it stays whole. */
export function clip(text: string, width: number): string {
  if (shownLength(text) <= width) return text;
  let left = Math.max(0, width - 1);
  let clipped = '';
  for (const part of text.split(/(\u001b\[[0-9;?]*[A-Za-z])/)) {
    if (part.startsWith('\u001b[')) clipped += part;
    else {
      const characters = [...part];
      clipped += characters.slice(0, left).join('') + (left > 0 && characters.length > left ? '…' : '');
      left = Math.max(0, left - characters.length);
    }
  }
  return clipped;
}
