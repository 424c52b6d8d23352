import { expect, test } from 'vitest';
import { pathOf, type Place, resources } from './resource.ts';

const { pods, deployments, namespaces, streamJobs } = resources;

test.each<{ fact: string; resource: typeof pods; place: Place; path: string }>([
  { fact: 'the core group', resource: pods, place: { namespace: 'a', name: 'x' }, path: '/api/v1/namespaces/a/pods/x' },
  { fact: 'a named group', resource: deployments, place: { namespace: 'a' }, path: '/apis/apps/v1/namespaces/a/deployments' },
  { fact: 'of all namespaces', resource: deployments, place: { namespace: null }, path: '/apis/apps/v1/deployments' },
  { fact: 'without namespaces', resource: namespaces, place: { namespace: null, name: 'a' }, path: '/api/v1/namespaces/a' },
  {
    fact: 'a subresource',
    resource: streamJobs,
    place: { namespace: 'a', name: 'x', subresource: 'status' },
    path: '/apis/millrace.dev/v1alpha1/namespaces/a/streamjobs/x/status',
  },
  {
    fact: 'a name with a slash stays one name',
    resource: pods,
    place: { namespace: 'a', name: 'x/../y?z' },
    path: '/api/v1/namespaces/a/pods/x%2F..%2Fy%3Fz',
  },
])('the path of $fact', ({ resource, place, path }) => expect(pathOf(resource, place)).toBe(path));

test.each<{ fact: string; place: Place }>([
  { fact: 'a name of dots', place: { namespace: 'a', name: '..' } },
  { fact: 'an empty name', place: { namespace: 'a', name: '' } },
  { fact: 'a name without its namespace', place: { namespace: null, name: 'x' } },
])('$fact has no path', ({ place }) => expect(() => pathOf(pods, place)).toThrow());
