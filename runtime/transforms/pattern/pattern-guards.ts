// Conditions of a pattern as guards of its statechart: what they call `matched` is in the chart's context. Pure.

import type { Code } from '../../../crds/stream-job/code.ts';
import { compilePredicate } from '../../expression/expression.ts';
import type { Matched } from './conditions.ts';

/** As every guard of a machine: over `context`, `event`, `key`, `timeMs`. */
const GUARD_NAMES = ['context', 'event', 'key', 'timeMs'] as const;
/** Texts in CEL, which may have anything in them; else the variable. */
const TEXT_OR_MATCHED = /r?"""[\s\S]*?"""|r?'''[\s\S]*?'''|r"[^"]*"|r'[^']*'|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?<![\w.])matched\b/g;

/** A text where it can be one; a function has the text as its name. */
type GuardFunction = (context: { readonly matched: Matched }, event: unknown, key: unknown, timeMs: number) => boolean;

/** `where` of a step, or another of its conditions. */
export function guardOf(code: Code, name: string): Code {
  if (typeof code === 'string') return code.replaceAll(TEXT_OR_MATCHED, (text) => (text === 'matched' ? 'context.matched' : text));
  const holds = compilePredicate(code, ['event', 'matched', 'key', 'timeMs']);
  return named(name, (context, event, key, timeMs) => holds(event, context.matched, key, timeMs));
}

export function not(guard: Code): Code {
  if (typeof guard === 'string') return `!(${guard})`;
  const holds = compilePredicate(guard, GUARD_NAMES);
  return named(`!(${guard.name})`, (...args) => !holds(...args));
}

/** All of them hold; at least one. */
export function all(guards: readonly Code[]): Code {
  const [only] = guards;
  if (guards.length === 1) return only!;
  const text = guards
    .map((guard) => (typeof guard === 'string' && /^[!\w.]+$|^!?\([^()]*\)$/.test(guard) ? guard : `(${textOf(guard)})`))
    .join(' && ');
  if (guards.every((guard) => typeof guard === 'string')) return text;
  const tests = guards.map((guard) => compilePredicate(guard, GUARD_NAMES));
  return named(text, (...args) => tests.every((holds) => holds(...args)));
}

function textOf(guard: Code): string {
  return typeof guard === 'string' ? guard : guard.name;
}

function named(name: string, guard: GuardFunction): Code {
  return Object.defineProperty(guard, 'name', { value: name });
}
