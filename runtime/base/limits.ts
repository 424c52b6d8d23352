// Bounds that people meet or that several files keep, with the reason for each value. A bound of one file stands there.

const KIB = 1024;
const MIB = 1024 * KIB;

// ---- checkpoints

/** State changes since the last checkpoint after which a new one is worth its bytes: recovery reads at most about this. */
export const CHECKPOINT_DELTA_BYTES_MIN = 8 * MIB;

// ---- code of a job

/** What a bundle has when it is unpacked: code that a person wrote with what it imports is never this large; what unpacks to more is no
 *  code. */
export const CODE_BYTES_MAX = 64 * MIB;

// ---- ownership (for speed only: safety is the fence, J2 … J5)

/** How often a worker renews its lease: a third of it, so that two lost heartbeats lose nothing. */
export const HEARTBEAT_MS = 500;
/** A worker that was silent for this long has lost its tasks to others. A pause of the garbage collector is far shorter. */
export const LEASE_MS = 2_000;

// ---- sources

/** A split that cannot be read for this long is told of: an operator that makes a consumer anew takes less. */
export const SOURCE_STALLED_AFTER_MS = 2_000;
/** And again after this long, as long as it lasts: often enough for who looks at the last minutes of a log. */
export const SOURCE_STALLED_REPEAT_MS = 60_000;

// ---- bad input

/** Raw text that a dead letter keeps of an event: enough to find it, and it always fits a record. */
export const DEAD_LETTER_TEXT_BYTES_MAX = 64 * KIB;
/** Mistakes that a dead letter lists; more of one event tell nobody more. */
export const DEAD_LETTER_ISSUES_MAX = 32;
/** Characters of a stack that a dead letter keeps: the innermost calls, which are the user's. */
export const DEAD_LETTER_STACK_CHARACTERS_MAX = 4_096;
/** Characters of a value that a message shows. */
export const MESSAGE_VALUE_CHARACTERS_MAX = 120;

// ---- time

/** The largest distance from 1970, in ms, that a Date can hold: an event time beyond it is a mistake of its unit. */
export const EVENT_TIME_MS_MAX = 8.64e15;
/** An event further ahead of the clock than this has a wrong time, unless the job says otherwise: it would close all windows for good. */
export const EVENT_TIME_AHEAD_MS_MAX = 366 * 86_400_000;

// ---- state

/** Held events in one list cell of `order`: a list is dropped whole when its last event was released, so it stays short. */
export const ORDER_CHUNK_EVENTS_MAX = 1_024;

/** Events and rows that wait for each other where a table is seen as of their time, in one partition: some tens of MB. */
export const WAITING_EVENTS_MAX = 100_000;

/** Events of one match of a pattern: a repetition that takes more would be written anew with each of them. */
export const PATTERN_MATCH_EVENTS_MAX = 1_000;
/** Positions of a pattern's automaton, repetitions written out: each is looked at for each event of a partial match there. */
export const PATTERN_POSITIONS_MAX = 512;

/** How long a table that is made of changes remembers that a key was deleted: a change from before, that comes later than this, brings
 *  the key back. Longer than streams lag, short enough that deleted keys do not pile up. */
export const DELETED_KEY_MS = 86_400_000;

/** Tries of one question of a lookup that its span tells, the last ones: a service that is away for an hour fails hundreds of times alike. */
export const LOOKUP_RETRIES_TOLD_MAX = 32;

/** Spans of a worker that are ended and not yet sent: some seconds of them while a collector is slow, a few MB. */
export const SPANS_WAITING_MAX = 4_096;

/** Spans gather so long, or until there are so many, before they are sent: a request costs as much as ten spans, and to wake the thread that
 *  sends them costs the engine 50 µs, as much as to hand over 25. */
export const SPANS_GATHER_MS = 1_000;
export const SPANS_PER_REQUEST_MAX = 512;

// ---- declarations

/** etcd takes no larger custom resource, and a job file of this size has thousands of stages. */
export const JOB_TEXT_BYTES_MAX = MIB;
/** Values of a declaration with its aliases written out: aliases of aliases multiply, the largest sensible job stays far below. */
export const JOB_VALUES_MAX = 200_000;
/** How deep a declaration nests: states inside states need a few dozen; parsing and checking recurse. */
export const JOB_DEPTH_MAX = 100;
/** Syntax mistakes that are told of one file: the parser is lost behind the first ones. */
export const SYNTAX_ISSUES_MAX = 10;
/** Results that one event may count in: a window that moves in tiny steps would drown the job. */
export const WINDOWS_PER_EVENT_MAX = 10_000;
/** The same where windows have results of their own before their end: an event then changes a cell of each, and all travel in the commit. */
export const EARLY_WINDOWS_PER_EVENT_MAX = 100;
/** Pieces that a result of a sliding window by count is put together of, each with aggregates of its own. */
export const COUNT_PIECES_MAX = 1_000;
/** Longest declared duration, a hundred years: sums of times stay whole ms in a double. */
export const DURATION_MS_MAX = 36_500 * 86_400_000;
