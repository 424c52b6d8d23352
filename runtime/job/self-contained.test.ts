import { describe, expect, test } from 'vitest';
import { isSelfContained } from './self-contained.ts';

describe('a function that says all it does', () => {
  test.each([
    ['names its parameter', '(event) => event.n > 3'],
    ['has no parentheses', 'event => event.n'],
    ['gives an object with fields', '(event, key) => ({ id: event.id, n: event.n * 2, key })'],
    ['takes its parameter apart', '({ context, event }) => context.n + event.n'],
    ['renames what it takes apart', '({ context: state, list: [first, ...rest] }) => state + first + rest.length'],
    ['has variables', 'function (event) { const n = event.n; let { a, b: c } = event; return n + a + c; }'],
    ['uses the language', 'function total(event) { return Math.max(...Object.values(event)) / 2; }'],
    ['has texts and plain templates', '(event) => event.kind === \'a\' || event.kind === "b" || event.kind === `c`'],
    ['has functions of its own', '(event) => event.list.map((item) => item.n).filter((n) => n > 0)'],
    ['catches', '(event) => { try { return JSON.parse(event); } catch (error) { return null; } }'],
    ['has comments', '(event) => /* limit */ event.n // > limit'],
  ])('%s', (_fact, text) => expect(isSelfContained(text)).toBe(true));
});

describe('a function that depends on more', () => {
  test.each([
    ['names something outside', '(event) => event.n > limit'],
    ['calls another', '(event) => score(event)'],
    ['has a shorthand field from outside', '(event) => ({ limit })'],
    ['has something outside in a choice', '(event) => event.n ? high : low'],
    ['has code in a template', '(event) => `${event.a}`'],
    ['has a default value', '(event, n = limit) => event.n > n'],
    ['asks for the time', '(event) => event.at - Date.now()'],
    ['is bound to something', 'function () { return this.n; }'],
    ['is native', 'function () { [native code] }'],
    ['has a regular expression', '(event) => /limit/.test(event.id)'],
    ['is a method', 'score(event) { return event.n; }'],
  ])('%s', (_fact, text) => expect(isSelfContained(text)).toBe(false));
});
