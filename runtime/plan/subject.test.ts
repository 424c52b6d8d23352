import { expect, test } from 'vitest';
import { streamNameProblem, subjectProblem, subjectsOverlap } from './subject.ts';

test.each([
  { subject: 'orders.new', wildcards: false, problem: null },
  { subject: 'orders.*', wildcards: true, problem: null },
  { subject: 'orders.>', wildcards: true, problem: null },
  { subject: '>', wildcards: true, problem: null },
  { subject: 'orders.*', wildcards: false, problem: 'has a wildcard, but results go to one subject' },
  { subject: 'orders..new', wildcards: true, problem: 'has an empty token' },
  { subject: '.new', wildcards: true, problem: 'has an empty token' },
  { subject: 'orders.', wildcards: true, problem: 'has an empty token' },
  { subject: 'new orders', wildcards: true, problem: 'has a blank or control character' },
  { subject: 'orders.a*', wildcards: true, problem: 'has a wildcard that is not a token by itself' },
  { subject: 'orders.>.new', wildcards: true, problem: 'has > before its end' },
])('$subject, wildcards $wildcards: $problem', ({ subject, wildcards, problem }) => {
  expect(subjectProblem(subject, { wildcards })).toBe(problem);
});

test.each([
  { left: 'a.b', right: 'a.b', overlap: true },
  { left: 'a.b', right: 'a.c', overlap: false },
  { left: 'a.b', right: 'a.b.c', overlap: false },
  { left: 'a.*', right: 'a.b', overlap: true },
  { left: 'a.*', right: '*.b', overlap: true },
  { left: 'a.*', right: 'b.*', overlap: false },
  { left: 'a.>', right: 'a', overlap: false },
  { left: 'a.>', right: 'a.b.c', overlap: true },
  { left: '>', right: 'a', overlap: true },
  { left: '*.x.>', right: 'a.*.y', overlap: true },
  { left: '*.x.>', right: 'a.y.>', overlap: false },
])('$left and $right have subjects in common: $overlap', ({ left, right, overlap }) => {
  expect(subjectsOverlap(left, right)).toBe(overlap);
  expect(subjectsOverlap(right, left)).toBe(overlap);
});

test.each([
  { name: 'ORDERS', problem: null },
  { name: '', problem: 'is empty' },
  { name: 'a.b', problem: 'has one of . * > / \\ or a blank' },
  { name: 'a b', problem: 'has one of . * > / \\ or a blank' },
])('stream name "$name": $problem', ({ name, problem }) => expect(streamNameProblem(name)).toBe(problem));
