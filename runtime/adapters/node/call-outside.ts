// One try to get an answer from outside: an HTTP request, or an async function of the user's.
//
//   CO1. It never rejects: what went wrong is its result, and whether another try may end otherwise.
//   CO2. An answer is data that a record can hold, and of bounded size.
//   CO3. The value of a secret header goes into the request and nowhere else: no problem tells it, and no other server gets it by a redirect.

import { decodeJsonText } from '../../event/codec/json.ts';
import type { CallOutside, Try } from '../../worker/lookup-desk.ts';

/** A larger answer would drown the events that it goes into. */
const ANSWER_BYTES_MAX = 1_048_576;
/** Answers that say "not now". */
const AGAIN = [408, 425, 429];
/** Of an answer that is no success, what a message shows. */
const SHOWN_CHARACTERS_MAX = 200;

type Question = Parameters<CallOutside>[0];

type Environment = Readonly<Record<string, string | undefined>>;

/** `environment`: where the values of secret headers are. */
export function outsideCaller(environment: Environment): CallOutside {
  return (question, signal) => (question.kind === 'http' ? requestWithSecrets(question, signal, environment) : run(question, signal));
}

type Http = Extract<Question, { kind: 'http' }>;
type SecretHeader = NonNullable<Http['secrets']>[string];

async function requestWithSecrets(question: Http, signal: AbortSignal, environment: Environment): Promise<Try> {
  if (question.secrets === undefined) return request(question, signal);
  const headers: Record<string, string> = { ...question.headers };
  const values: string[] = [];
  for (const [name, secret] of Object.entries(question.secrets)) {
    const value = environment[secret.env]?.trim();
    const problem = problemOf(name, secret, value);
    if (problem !== null) return { kind: 'failed', problem, again: false };
    headers[name.toLowerCase()] = `${secret.prefix ?? ''}${value}`;
    values.push(value!);
  }
  const tried = await request({ ...question, headers }, signal, values);
  return tried.kind === 'failed' ? { ...tried, problem: withoutSecrets(tried.problem, values) } : tried;
}

/** Why the header cannot be sent; without the value, which `fetch` would tell. */
function problemOf(name: string, { env, prefix = '' }: SecretHeader, value: string | undefined): string | null {
  if (value === undefined || value === '') return `the header ${name} needs the variable ${env}, which this worker has not`;
  return /^[\x20-\x7e\x80-\xff]*$/.test(`${prefix}${value}`)
    ? null
    : `the variable ${env} holds what no header can: line breaks or signs beyond Latin-1`;
}

/** CO3: a server may say in its refusal what it was sent. */
function withoutSecrets(text: string, values: readonly string[]): string {
  return values.reduce((rest, value) => rest.replaceAll(value, '***'), text);
}

/** `values`: those of secret headers. */
async function request({ url, method, headers, body }: Http, signal: AbortSignal, values: readonly string[] = []): Promise<Try> {
  const who = new URL(url).host;
  try {
    const response = await fetch(url, { method, headers, body, signal, redirect: values.length > 0 ? 'manual' : 'follow' });
    const text = await boundedText(response);
    if (response.status === 404) return { kind: 'answer', value: null };
    if (!response.ok) {
      const again = response.status >= 500 || AGAIN.includes(response.status);
      const problem = `${who} answered ${response.status}: ${withoutSecrets(text ?? '', values).slice(0, SHOWN_CHARACTERS_MAX)}`;
      return { kind: 'failed', problem, again };
    }
    if (text === null) return { kind: 'failed', problem: `${who} answered more than ${ANSWER_BYTES_MAX} bytes`, again: false };
    return decoded(text, response.headers.get('content-type') ?? '', who);
  } catch (error) {
    const cause = (error as { readonly cause?: unknown }).cause;
    return { kind: 'failed', problem: `${who} cannot be asked: ${messageOf(cause ?? error)}`, again: true };
  }
}

/** null: it has more than ANSWER_BYTES_MAX. */
async function boundedText({ body }: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function decoded(text: string, type: string, who: string): Try {
  if (text === '') return { kind: 'answer', value: null };
  if (!/[/+]json\b/.test(type)) return { kind: 'answer', value: text };
  const json = decodeJsonText(text);
  if ('value' in json) return { kind: 'answer', value: json.value };
  return { kind: 'failed', problem: `${who} answered what cannot be used: ${json.issue}`, again: false };
}

async function run({ code, event, key }: Extract<Question, { kind: 'code' }>, signal: AbortSignal): Promise<Try> {
  try {
    const value = await code(event, key, { signal });
    const plain = plainOf(value);
    return plain === undefined
      ? { kind: 'failed', problem: 'the function gave what is no plain data', again: false }
      : { kind: 'answer', value: plain };
  } catch (error) {
    return { kind: 'failed', problem: messageOf(error), again: true, stack: error instanceof Error ? error.stack : undefined };
  }
}

/** A copy of plain data, null for undefined; undefined: it is none (CO2). */
function plainOf(value: unknown): unknown {
  if (value === undefined) return null;
  try {
    return structuredClone(value);
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
