import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { flightsPlan, runProgress, someWorkers } from '../../test/support/run-progress.ts';
import { Screen } from '../../test/support/screen.ts';
import { frame, liveView } from './live-view.ts';

const plan = flightsPlan();
const opened = { plan, natsUrl: 'nats://127.0.0.1:4222', isContinued: false, outDir: '/out', tableIssues: [] };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('a drawing', () => {
  test('takes the place of the one before, whichever is longer', () => {
    const screen = new Screen(40);
    screen.write(frame({ drawn: [], messages: [], lines: ['one', 'two', 'three'], columns: 40 }));
    screen.write(frame({ drawn: ['one', 'two', 'three'], messages: [], lines: ['1', '2'], columns: 40 }));
    expect(screen.text).toBe('1\n2');
    screen.write(frame({ drawn: ['1', '2'], messages: [], lines: ['one', 'two', 'three'], columns: 40 }));
    expect(screen.text).toBe('one\ntwo\nthree');
  });

  test('leaves messages above it, also those that take several lines', () => {
    const screen = new Screen(10);
    screen.write(frame({ drawn: [], messages: ['first'], lines: ['one', 'two'], columns: 10 }));
    screen.write(frame({ drawn: ['one', 'two'], messages: ['a second that is long'], lines: ['1', '2'], columns: 10 }));
    expect(screen.text).toBe('first\na second t\nhat is lon\ng\n1\n2');
  });

  test('finds the one before after the terminal became narrower (T2)', () => {
    const screen = new Screen(30);
    const lines = ['a line of about thirty letter', 'short'];
    screen.write(frame({ drawn: [], messages: ['kept'], lines, columns: 30 }));
    screen.resize(12);
    screen.write(frame({ drawn: lines, messages: [], lines: ['1', '2'], columns: 12 }));
    expect(screen.text).toBe('kept\n1\n2');
  });
});

describe('a run', () => {
  test('is shown in place, with messages above that stay; nothing else is left at its end (T3)', () => {
    const terminal = new Terminal();
    const view = liveView(terminal.stream, { NO_COLOR: '1' });
    view.onOpen(opened);
    expect(terminal.screen.isCursorShown).toBe(false);
    for (let elapsedMs = 0; elapsedMs < 3000; elapsedMs += 250) {
      view.onProgress(runProgress(plan, {}, { elapsedMs, workers: someWorkers(1) }));
      if (elapsedMs === 1000) view.onLog('worker 0 ended (signal SIGKILL); another takes its place');
      vi.advanceTimersByTime(250);
    }
    expect(terminal.screen.text).toMatch(/^running flights:.*\nworker 0 ended .*\n flights {2}starting {2}0:02\n/);
    expect(terminal.screen.text.split('\n')).toHaveLength(22);
    view.end();
    expect(terminal.screen.text).toBe(
      'running flights: 4 stages, 10 sinks, NATS at nats://127.0.0.1:4222\nworker 0 ended (signal SIGKILL); another takes its place',
    );
    expect(terminal.screen.isCursorShown).toBe(true);
  });

  test('is drawn ten times a second at most (T1), however much happens', () => {
    const terminal = new Terminal();
    const view = liveView(terminal.stream, {});
    view.onOpen(opened);
    vi.advanceTimersByTime(1000);
    terminal.writes = 0;
    for (let i = 0; i < 1000; i++) {
      view.onProgress(runProgress(plan, {}, { elapsedMs: i }));
      view.onLog(`message ${i}`);
      vi.advanceTimersByTime(1);
    }
    expect(terminal.writes).toBeLessThanOrEqual(11); // both ends of the second count
    view.end();
    expect(terminal.screen.text.match(/message \d+/g)).toHaveLength(1000);
  });

  test('follows the size of its terminal', () => {
    const terminal = new Terminal();
    const view = liveView(terminal.stream, {});
    view.onOpen(opened);
    view.onProgress(runProgress(plan));
    vi.advanceTimersByTime(200);
    terminal.resize(60, 12);
    vi.advanceTimersByTime(200);
    expect(terminal.screen.text.split('\n').length).toBeLessThanOrEqual(2 + 11); // the message above takes two lines now
    expect(terminal.screen.text.match(/ flights {2}starting/g)).toHaveLength(1);
    view.end();
  });

  test('a message before anything is shown is printed at once', () => {
    const terminal = new Terminal();
    liveView(terminal.stream, {}).onLog('starting a server');
    expect(terminal.screen.text).toBe('starting a server');
  });

  test('ending twice does nothing more, and leaves no listener behind', () => {
    const terminal = new Terminal();
    const before = process.listenerCount('exit');
    const view = liveView(terminal.stream, {});
    view.onOpen(opened);
    view.end();
    terminal.writes = 0;
    view.end();
    expect(terminal.writes).toBe(0);
    expect([process.listenerCount('exit'), terminal.emitter.listenerCount('resize')]).toEqual([before, 0]);
  });
});

/** The stream of a terminal of 80 x 24, and what stands on it. */
class Terminal {
  readonly screen = new Screen(80);
  readonly emitter = new EventEmitter();
  writes = 0;
  readonly stream: NodeJS.WriteStream;

  constructor() {
    const write = (text: string): boolean => {
      this.writes++;
      this.screen.write(text);
      return true;
    };
    this.stream = Object.assign(this.emitter, {
      isTTY: true,
      columns: 80,
      rows: 24,
      hasColors: () => true,
      write,
    }) as unknown as NodeJS.WriteStream;
  }

  resize(columns: number, rows: number): void {
    this.screen.resize(columns);
    Object.assign(this.stream, { columns, rows });
    this.emitter.emit('resize');
  }
}
