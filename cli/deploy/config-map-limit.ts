// What a ConfigMap can hold.

/** The API server takes 1 MiB of values in all; the rest is room for names, labels and what others add. */
export const CONFIG_MAP_BYTES_MAX = 900_000;
/** spec.workers.files (crds/stream-job/cluster.ts). */
export const FILE_MAPS_MAX = 16;
