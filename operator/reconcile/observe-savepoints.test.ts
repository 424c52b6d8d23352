import { expect, test } from 'vitest';
import type { AnyObject } from '../kube/kube-object.ts';
import { natsWith, observedWith } from '../lifecycle/observed-sample.ts';
import { observeSavepoints } from './observe-savepoints.ts';

type Row = { readonly name: string; readonly at?: string; readonly phase?: string; readonly job?: string; readonly isLeaving?: true };

const monday = { name: 'monday', at: '2026-01-05T09:00:00Z' };
const tuesday = { name: 'tuesday', at: '2026-01-06T09:00:00Z' };

test.each<{ fact: string; rows: readonly Row[]; last: string | null }>([
  { fact: 'none was made: there is none', rows: [], last: null },
  { fact: 'the newest counts, wherever it stands in the list', rows: [tuesday, monday], last: 'tuesday' },
  { fact: 'not by name, by the time when it was taken', rows: [{ ...tuesday, name: 'a' }, monday], last: 'a' },
  {
    fact: 'of one second the last by name',
    rows: [
      { ...monday, name: 'b' },
      { ...monday, name: 'a' },
    ],
    last: 'b',
  },
  { fact: 'one that is still taken does not count', rows: [monday, { name: 'tuesday', phase: 'Running' }], last: 'monday' },
  { fact: 'one that has failed does not count', rows: [monday, { name: 'tuesday', phase: 'Failed' }], last: 'monday' },
  { fact: 'one of another job does not count', rows: [monday, { ...tuesday, job: 'daily' }], last: 'monday' },
  {
    fact: 'one that is being deleted does not count: the one before does',
    rows: [monday, { ...tuesday, isLeaving: true }],
    last: 'monday',
  },
])('$fact', ({ rows, last }) => check(rows, last));

function check(rows: readonly Row[], last: string | null): void {
  const objects = rows.map(objectOf);
  const cache = {
    get: (_: string | null, name: string) => objects.find(({ metadata }) => metadata.name === name),
    list: () => objects,
  };
  const { lastSavepoint } = observeSavepoints(cache, observedWith().job, natsWith());
  expect(lastSavepoint?.name ?? null).toBe(last);
}

function objectOf({ name, at, phase = 'Completed', job = 'hourly', isLeaving }: Row): AnyObject {
  return {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamSavepoint',
    metadata: {
      name,
      namespace: 'shop',
      uid: name,
      resourceVersion: '1',
      ...(isLeaving ? { deletionTimestamp: '2026-01-07T00:00:00Z' } : {}),
    },
    spec: { job, deletionPolicy: 'Delete' },
    status: { phase, ...(at === undefined ? {} : { takenAt: at, bytes: 7 }) },
  };
}
