// Every bound of the runtime, with the reason for its value. A queue, batch, retry or loop without a line here is a bug.

const KIB = 1024;
const MIB = 1024 * KIB;

// ---- steps and records

/** Events that one step takes in. Beyond some thousands the cost per event no longer falls, and the latency of all of them rises. */
export const STEP_EVENTS_MAX = 8_192;
/** Bytes that one step takes in: with what a step usually makes of them they still fit one record. */
export const STEP_BYTES_MAX = 512 * KIB;
/** Size that a record should not pass: the journal's bytes a second hardly rise above it, but latency does. */
export const RECORD_BYTES_MAX = MIB;
/** max_payload of our own nats-server, and the largest record at all. A server of the user's may allow less: then that holds. */
export const PAYLOAD_BYTES_MAX = 8 * MIB;

// ---- credit

/** Bytes that a worker has received but not committed, over all its tasks: with it memory is bounded, whatever the input. */
export const CREDIT_BYTES_MAX = 64 * MIB;
/** Bytes asked of one upstream lane at a time: two records, so that one is under way while one is worked on. */
export const LANE_READ_BYTES_MAX = 2 * RECORD_BYTES_MAX;

// ---- checkpoints

/** A chunk of a checkpoint: as large as the default max_payload of any NATS server lets it be, less its header. */
export const CHECKPOINT_CHUNK_BYTES = MIB - 4 * KIB;
/** State changes since the last checkpoint after which a new one is worth its bytes: recovery reads at most about this. */
export const CHECKPOINT_DELTA_BYTES_MIN = 8 * MIB;

// ---- ownership (for speed only: safety is the fence, J2 … J5)

/** How often a worker renews its lease: a third of it, so that two lost heartbeats lose nothing. */
export const HEARTBEAT_MS = 500;
/** A worker that was silent for this long has lost its tasks to others. A pause of the garbage collector is far shorter. */
export const LEASE_MS = 2_000;

// ---- waiting

/** First and longest pause before the same is tried again against a busy or absent server. */
export const RETRY_DELAY_MIN_MS = 20;
export const RETRY_DELAY_MAX_MS = 2_000;
/** A commit without an answer for this long is unknown (J4): an unplanned election takes 4 to 9 s, an answer milliseconds. */
export const COMMIT_ANSWER_MS = 5_000;

// ---- bad input

/** Raw text that a dead letter keeps of an event: enough to find it, and it always fits a record. */
export const DEAD_LETTER_TEXT_BYTES_MAX = 64 * KIB;
/** Mistakes that a dead letter lists; more of one event tell nobody more. */
export const DEAD_LETTER_ISSUES_MAX = 32;
/** Characters of a value that a message shows. */
export const MESSAGE_VALUE_CHARACTERS_MAX = 120;

// ---- time

/** The largest distance from 1970, in ms, that a Date can hold: an event time beyond it is a mistake of its unit. */
export const EVENT_TIME_MS_MAX = 8.64e15;

// ---- state

/** Held events in one list cell of `order`: a list is dropped whole when its last event was released, so it stays short. */
export const ORDER_CHUNK_EVENTS_MAX = 1_024;

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
/** Longest declared duration, a hundred years: sums of times stay whole ms in a double. */
export const DURATION_MS_MAX = 36_500 * 86_400_000;
