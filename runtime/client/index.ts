// `millrace/client`: programs beside a running job.
//
// test/compat/public-api-client.txt holds this surface as text; a change of it is a visible diff.

export { ask, type AskedKey, type AskedServer, type AskOptions, type KeyState } from './ask.ts';
export { MillraceError, type ErrorCode } from '../base/errors.ts';
