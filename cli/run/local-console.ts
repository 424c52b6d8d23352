// The console of a local run: listens to what the run tells, and serves it on this machine only.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DeadLetters, LOCAL_NAMESPACE, type JobRef, type Phase, type TimelineKind } from '../../console/api.ts';
import { bundlePage } from '../../console/bundle-page.ts';
import { type ConsoleServer, startConsoleServer } from '../../console/console-server.ts';
import { DeadLetterBook } from '../../console/dead-letter-book.ts';
import { decideLetters } from '../../console/decide-letters.ts';
import { declaredOf } from '../../console/declared.ts';
import type { ConsoleSource, Entry, JobSource } from '../../console/job-source.ts';
import { keyStory } from '../../console/key-story.ts';
import { LiveBoard } from '../../console/live-board.ts';
import { pageFiles } from '../../console/page-files.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { systemRandom } from '../../runtime/adapters/node/random.ts';
import { assert } from '../../runtime/base/assert.ts';
import { MillraceError } from '../../runtime/base/errors.ts';
import type { DeadLetterDesk } from '../../runtime/dead-letter-desk.ts';
import { DEAD_LETTERS_FILE } from '../../runtime/plan/plan-names.ts';
import type { Isolation } from '../../runtime/telemetry/progress.ts';
import type { Bus } from '../../runtime/worker/directory.ts';
import { DeadLetterFile } from './dead-letter-file.ts';
import { readableSize } from './plain-view.ts';
import type { RunListener, RunOutcome } from './run-job.ts';

export type LocalConsoleOptions = {
  /** 0: any free one. */
  readonly port: number;
  /** The job's file: shown as it is. */
  readonly file: string;
  readonly isolation: Isolation;
  /** Where traces are looked at, such as http://localhost:16686; absent: nowhere. */
  readonly jaegerUrl?: string | undefined;
};

const TICK_MS = 250;
const TEXT_CHARACTERS_MAX = 1024 * 1024;
const RUN_IS_OVER = 'The run has ended: nothing takes them in any more';
const LOCAL_NAMES = ['localhost', '127.0.0.1'];

type Opened = Parameters<RunListener['onOpen']>[0];
type Run = { readonly ref: JobRef; readonly board: LiveBoard; readonly source: JobSource };

export class LocalConsole implements ConsoleSource {
  readonly listener: RunListener;
  readonly #options: LocalConsoleOptions;
  readonly #text: string;
  #server: ConsoleServer | null = null;
  #job: { readonly description: string | null; readonly bus: Bus; readonly desk: () => Promise<DeadLetterDesk | null> } | null = null;
  #run: Run | null = null;
  #phase: Phase = { name: 'Running', tone: 'good', message: null };

  private constructor(options: LocalConsoleOptions, text: string) {
    this.#options = options;
    this.#text = text;
    this.listener = {
      onJob: (job, reached) => (this.#job = { description: job.spec.description ?? null, ...reached }),
      onOpen: (opened) => this.#open(opened),
      onReport: (report) => this.#run?.board.hear(report, systemClock.monotonicMs()),
      onProgress: () => undefined,
      onLog: (message) => this.#note('note', message),
    };
  }

  /** Rejects with MR1011 when the port is taken. */
  static async start(options: LocalConsoleOptions): Promise<LocalConsole> {
    const text = await readFile(options.file, 'utf8').catch(() => ''); // the run itself says what is wrong with it
    const source = new LocalConsole(options, text.slice(0, TEXT_CHARACTERS_MAX));
    const page = pageFiles(await bundlePage());
    const { port } = options;
    try {
      source.#server = await startConsoleServer({ source, page, host: '127.0.0.1', port, hostNames: LOCAL_NAMES, tickMs: TICK_MS });
    } catch (error) {
      throw new MillraceError('MR1011', { port, problem: error instanceof Error ? error.message : String(error) }, error);
    }
    return source;
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  entry(): Promise<Entry> {
    return Promise.resolve({ kind: 'allowed', who: null });
  }

  /** Whoever reaches this machine's own address may do with its runs what the command line may. */
  deciding(): Promise<Entry> {
    return Promise.resolve(this.#isOver ? { kind: 'refused', status: 403, message: RUN_IS_OVER } : { kind: 'allowed', who: null });
  }

  jobs(): readonly JobRef[] {
    return this.#run === null ? [] : [this.#run.ref];
  }

  job({ namespace, name }: JobRef): JobSource | null {
    const run = this.#run;
    return run !== null && namespace === run.ref.namespace && name === run.ref.name ? run.source : null;
  }

  /** The run is over: what is shown stays as it was last. */
  ended({ ending, failure }: RunOutcome): void {
    const message = failure === null ? null : `${failure.code}: ${failure.message}`;
    this.#phase = { name: PHASES[ending], tone: ending === 'failed' ? 'bad' : 'good', message };
    this.#run?.board.end();
    this.#note(ending === 'failed' ? 'failure' : 'end', message ?? `the run is ${ending}`);
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  #open({ plan, outDir, isContinued, natsUrl }: Opened): void {
    const { file, isolation } = this.#options;
    const job = this.#job;
    assert(job !== null, 'a run tells its job before it is open');
    const { description, bus, desk } = job;
    const ref = { namespace: LOCAL_NAMESPACE, name: plan.job };
    const language = /\.[cm]?[jt]s$/.test(file) ? 'typescript' : 'yaml';
    const declared = declaredOf({
      ref,
      plan,
      description,
      text: this.#text,
      language,
      run: systemRandom.id(),
      jaegerUrl: this.#options.jaegerUrl ?? null,
    });
    const board = new LiveBoard({ plan, declared, isolation, startMs: systemClock.monotonicMs() });
    const [book, written] = [new DeadLetterBook(), new DeadLetterFile(join(outDir, DEAD_LETTERS_FILE))];
    const asking = {
      job: plan.job,
      plan,
      bus,
      newId: () => systemRandom.id(),
      sleep: (ms: number, signal: AbortSignal) => systemClock.sleep(ms, signal),
    };
    const letters = async (): Promise<DeadLetters> => {
      const open = this.#isOver ? null : await desk().catch(() => null);
      return open === null ? written.look() : book.look(open);
    };
    const source: JobSource = {
      declared: () => Promise.resolve(declared),
      live: () => board.live(this.#phase, systemClock.nowMs(), systemClock.monotonicMs()),
      story: (node, key, fresh) =>
        this.#isOver
          ? Promise.resolve({ kind: 'nobody', message: 'the run has ended: no worker holds its state' })
          : keyStory(node, key, asking, fresh),
      deadLetters: letters,
      decide: async (request) => {
        const open = this.#isOver ? null : await desk();
        return open === null ? { problem: RUN_IS_OVER } : decideLetters(open, request);
      },
    };
    this.#run = { ref, board, source };
    this.#note('start', `${isContinued ? 'goes on where it was' : 'begins'}: ${readableSize(plan)}, NATS at ${natsUrl}`);
  }

  get #isOver(): boolean {
    return this.#phase.name !== 'Running';
  }

  #note(kind: TimelineKind, text: string): void {
    this.#run?.board.note({ atMs: systemClock.nowMs(), kind, text });
  }
}

const PHASES = { completed: 'Completed', failed: 'Failed', interrupted: 'Interrupted' } as const;
