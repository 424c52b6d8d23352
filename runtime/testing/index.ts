// `millrace/testing`: a job in a test, without a server.

export { runInMemory, type InMemoryOptions, type InMemoryRun, type LookupQuestion } from './run-in-memory.ts';
export { pause, type Pause } from './pause.ts';
