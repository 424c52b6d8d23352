// Shows a running job in place at the bottom of a terminal, and lets messages scroll away above it.
//
// Owns: the terminal (cursor, erasing, how often). Does not own: what the lines say (live-view-lines.ts).
//   T1. At most ten drawings a second, each one write: lines are overwritten where they stand, never cleared first.
//   T2. Between drawings the cursor stands at the end of the last line. What was drawn is known, so it can be
//       overwritten even after the terminal became narrower and broke lines.
//   T3. After `end` nothing of it is left but the messages, and the cursor is visible again, however the process ends.

import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { shownLength, wantsColor } from './ink.ts';
import { renderProgress } from './live-view-lines.ts';
import { openingLines } from './plain-view.ts';
import type { RunProgress } from '../../runtime/telemetry/progress.ts';
import type { RunListener } from './run-job.ts';

const DRAW_EVERY_MS = 100;

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
/** Terminals that know these show a drawing as a whole; others ignore them. */
const BEGIN_FRAME = '\u001b[?2026h';
const END_FRAME = '\u001b[?2026l';
const ERASE_LINE_REST = '\u001b[K';
const ERASE_BELOW = '\u001b[J';

/** `stream` must be a terminal. */
export function liveView(
  stream: NodeJS.WriteStream,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): RunListener & { end(): void } {
  const screen = new LiveScreen(stream);
  let plan: PhysicalPlan | null = null;
  let latest: RunProgress | null = null;
  const color = wantsColor(stream, environment);
  const lines = (): string[] =>
    plan === null || latest === null ? [] : renderProgress(latest, plan, { columns: stream.columns, rows: stream.rows, color });
  return {
    onOpen: (opened) => {
      plan = opened.plan;
      for (const line of openingLines(opened)) screen.print(line);
      screen.show(lines);
    },
    onProgress: (progress) => {
      latest = progress;
      screen.touch();
    },
    onLog: (message) => screen.print(message),
    end: () => screen.end(),
  };
}

class LiveScreen {
  readonly #stream: NodeJS.WriteStream;
  readonly #resized = (): void => this.touch();
  readonly #showCursor = (): void => void this.#stream.write(SHOW_CURSOR);
  #lines: (() => string[]) | null = null;
  #drawn: readonly string[] = [];
  #messages: string[] = [];
  #timer: NodeJS.Timeout | null = null;
  #drawnAtMs = -Infinity;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  show(lines: () => string[]): void {
    this.#lines = lines;
    this.#stream.write(HIDE_CURSOR);
    this.#stream.on('resize', this.#resized);
    process.once('exit', this.#showCursor);
    this.touch();
  }

  /** A line above what is shown; it stays. */
  print(message: string): void {
    this.#messages.push(message);
    if (this.#lines === null) this.#draw([]);
    else this.touch();
  }

  /** Draws soon (T1). */
  touch(): void {
    if (this.#timer !== null || this.#lines === null) return;
    const waitMs = Math.max(0, this.#drawnAtMs + DRAW_EVERY_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#draw(this.#lines?.() ?? []);
    }, waitMs);
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#draw([]);
    if (this.#lines === null) return;
    this.#lines = null;
    this.#stream.off('resize', this.#resized);
    process.off('exit', this.#showCursor);
    this.#showCursor();
  }

  #draw(lines: readonly string[]): void {
    const messages = this.#messages.flatMap((message) => message.split('\n'));
    if (lines.length === 0 && messages.length === 0 && this.#drawn.length === 0) return;
    this.#messages = [];
    this.#stream.write(frame({ drawn: this.#drawn, messages, lines, columns: this.#stream.columns }));
    this.#drawn = lines;
    this.#drawnAtMs = performance.now();
  }
}

export type FrameParts = {
  readonly drawn: readonly string[];
  readonly messages: readonly string[];
  readonly lines: readonly string[];
  readonly columns: number;
};

/** The bytes that turn what was drawn into messages above what is to be shown. Pure. */
export function frame({ drawn, messages, lines, columns }: FrameParts): string {
  const rowsDrawn = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(shownLength(line) / columns)), 0); // T2
  const up = rowsDrawn > 1 ? `\u001b[${rowsDrawn - 1}A` : '';
  const above = messages.map((message) => `${message}${ERASE_LINE_REST}\n`).join('');
  const below = lines.map((line) => `${line}${ERASE_LINE_REST}`).join('\n');
  return `${BEGIN_FRAME}\r${up}${above}${below}${ERASE_BELOW}${END_FRAME}`;
}
