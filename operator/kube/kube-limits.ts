// Every bound of the calls to the API server, with the reason for its value.

/** One object is read in milliseconds. Half the deadline of a leader: one read that hangs does not cost it its lease. */
export const READ_TIMEOUT_MS = 5_000;
/** The beginning of a watch: a server that just started fills its caches first. */
export const WATCH_START_TIMEOUT_MS = 15_000;
/** A page of a list; it is read from the watch cache of the server, but a thousand jobs with status are some MB. */
export const LIST_TIMEOUT_MS = 30_000;
/**
 * A write; told to the server too, so that it does not act later. At most the gap between the deadline of a leader (10 s) and the
 * end of its lease (15 s): what a leader sent in its last moment is over when the next one begins.
 */
export const WRITE_TIMEOUT_MS = 5_000;
/** Objects in one page of a list: client-go's choice; a page of StreamJobs stays below 16 MB. */
export const LIST_PAGE_OBJECTS = 500;
/** The largest answer, or line of a watch, that is read: an object has at most 3 MB, a page of them rarely more than 16. */
export const ANSWER_BYTES_MAX = 128 * 1024 * 1024;
export const WATCH_LINE_BYTES_MAX = 16 * 1024 * 1024;
/** Connections for calls at a time; more calls wait for one. The API server's fair queuing gives one client no more either. */
export const CONNECTIONS_MAX = 32;
/** How long credentials are used before files are looked at again: tokens and certificates are renewed minutes before they end. */
export const CREDENTIALS_MS = 10_000;

/** Life of a watch that the server is asked for, a random value between: watches of many processes do not end together. */
export const WATCH_LIFE_MIN_MS = 240_000;
export const WATCH_LIFE_MAX_MS = 300_000;
/**
 * A watch that says nothing for this long is dead: of a quiet kind the first bookmark comes after two minutes (seen with 1.36), later
 * ones every minute. A peer that is gone is found sooner, by TCP.
 */
export const WATCH_SILENCE_MS = 190_000;
/** TCP asks a silent peer after this long, then every second; without an answer to ten of them the connection is over. */
export const TCP_KEEPALIVE_MS = 15_000;
/** Pause before a list or watch is tried again. The first is short, because most cuts are one lost connection. */
export const WATCH_RETRY_MIN_MS = 20;
export const WATCH_RETRY_MAX_MS = 5_000;
/** The longest pause after a refusal (no permission, no such kind): it needs a person, and would fill the server's audit log. */
export const REFUSED_RETRY_MAX_MS = 10_000;
/** A watch that lived this long was a working one: the pause begins small again. */
export const WATCH_PROVEN_MS = 500;

/** Backoff of a key that fails. The first is below what a person sees, the last is a coffee. */
export const KEY_RETRY_MIN_MS = 5;
export const KEY_RETRY_MAX_MS = 300_000;

/** Lease of the leader: client-go's values, which every operator of a cluster uses. */
export const LEASE_DURATION_MS = 15_000;
export const LEASE_RENEW_DEADLINE_MS = 10_000;
export const LEASE_RETRY_MS = 2_000;

/** Bytes of an Event's message: the API server refuses more than 1,024. */
export const EVENT_MESSAGE_BYTES_MAX = 1_024;
/** How long the same sentence counts as the same Event. */
export const EVENT_WINDOW_MS = 600_000;
/** The count of a repeated Event is written at most this often. */
export const EVENT_UPDATE_MS = 10_000;
/** Events of one object: this many at once, then one in EVENT_REFILL_MS (client-go's spam filter has 25 and 5 min). */
export const EVENT_BURST = 25;
export const EVENT_REFILL_MS = 30_000;
/** Events that wait to be sent: beyond it they are dropped, a story nobody could read. */
export const EVENT_QUEUE_MAX = 1_000;
/** Series that are remembered; the oldest is forgotten and would begin anew. */
export const EVENT_SERIES_MAX = 4_096;
