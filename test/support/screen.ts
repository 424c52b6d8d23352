// A terminal as far as Millrace uses one: what stands on its lines after some output. Grows downwards, forgets nothing.

const PARTS = /\u001b\[(\??)(\d*)([A-Za-z])|([\r\n])|([^\u001b\r\n]+)/g;

export class Screen {
  columns: number;
  isCursorShown = true;
  readonly #lines: string[][] = [[]];
  #row = 0;
  #column = 0;

  constructor(columns: number) {
    this.columns = columns;
  }

  write(output: string): void {
    for (const [, isPrivate, count, command, control, text] of output.matchAll(PARTS)) {
      if (text !== undefined) for (const character of text) this.#put(character);
      else if (control === '\r') this.#column = 0;
      else if (control === '\n') this.#down();
      else if (isPrivate === '?') this.#set(count ?? '', command ?? '');
      else this.#do(command ?? '', count === '' ? 0 : Number(count));
    }
  }

  /** What is seen, without spaces at the ends of lines and empty lines at the end. */
  get text(): string {
    return this.#lines
      .map((line) =>
        Array.from(line, (character) => character ?? ' ')
          .join('')
          .trimEnd(),
      )
      .join('\n')
      .trimEnd();
  }

  /** Made narrower or wider, as terminals do: lines that no longer fit are broken, the cursor stays at its text. */
  resize(columns: number): void {
    const lines = this.#lines.splice(0);
    const cursor = { row: this.#row, column: this.#column };
    for (const [index, line] of lines.entries()) {
      const length = Math.max(line.length, index === cursor.row ? cursor.column : 0);
      for (let from = 0; from === 0 || from < length; from += columns) this.#lines.push(line.slice(from, from + columns));
      if (index === cursor.row) [this.#row, this.#column] = [this.#lines.length - 1, Math.min(columns - 1, ((length - 1) % columns) + 1)];
    }
    this.columns = columns;
  }

  #put(character: string): void {
    if (this.#column === this.columns) {
      this.#column = 0;
      this.#down();
    }
    this.#line()[this.#column++] = character;
  }

  #down(): void {
    this.#row++;
    this.#column = 0;
    this.#line();
  }

  #set(mode: string, command: string): void {
    if (mode === '25') this.isCursorShown = command === 'h';
  }

  #do(command: string, count: number): void {
    if (command === 'A') this.#row = Math.max(0, this.#row - Math.max(1, count));
    if (command === 'K' || command === 'J') this.#line().splice(this.#column);
    if (command === 'J') this.#lines.splice(this.#row + 1);
  }

  #line(): string[] {
    while (this.#lines.length <= this.#row) this.#lines.push([]);
    return this.#lines[this.#row] as string[];
  }
}
