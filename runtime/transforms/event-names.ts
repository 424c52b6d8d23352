// Variables of every expression over one event, in the order in which transforms give them.

export const EVENT_NAMES = ['event', 'key', 'timeMs', 'nowMs'] as const;
