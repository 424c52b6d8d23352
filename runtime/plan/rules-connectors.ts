// Rules on sources and sinks: what they connect to, and that no two write to one place.

import { posix } from 'node:path';
import type { NatsSourceSpec } from '../../crds/stream-job/sources.ts';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import { DEAD_LETTERS_FILE, deadLettersSubject, STREAM_ROOT, SUBJECT_ROOT } from './plan-names.ts';
import { streamNameProblem, subjectProblem, subjectsOverlap } from './subject.ts';

export function checkConnectors(job: StreamJob): readonly Issue[] {
  const { sources, sinks } = job.spec;
  return [
    ...sources.flatMap((spec, i) => checkChoice(spec, ['file', 'nats'], { what: `source "${spec.name}"`, path: ['spec', 'sources', i] })),
    ...sources.flatMap(({ nats }, i) => (nats === undefined ? [] : checkNatsSource(nats, ['spec', 'sources', i, 'nats']))),
    ...sinks.flatMap((spec, i) =>
      checkChoice(spec, ['file', 'nats', 'journal'], { what: `sink "${spec.name}"`, path: ['spec', 'sinks', i] }),
    ),
    ...checkFiles(job),
    ...checkSubjects(job),
  ];
}

type Choice = { readonly what: string; readonly path: readonly PathPart[] };

function checkChoice(spec: Readonly<Record<string, unknown>>, kinds: readonly string[], { what, path }: Choice): readonly Issue[] {
  const given = kinds.filter((kind) => spec[kind] !== undefined);
  if (given.length === 1) return [];
  const has = given.length === 0 ? 'is connected to nothing' : `is connected to ${given.join(' and ')}`;
  return [{ path: formatPath(path), message: `${what} ${has}`, fix: `exactly one of ${kinds.join(', ')}` }];
}

function checkNatsSource({ stream, subjects }: NatsSourceSpec, path: readonly PathPart[]): readonly Issue[] {
  return [
    ...checkStream(stream, path),
    ...subjects.flatMap((subject, i): readonly Issue[] => {
      const at = formatPath([...path, 'subjects', i]);
      const problem = subjectProblem(subject, { wildcards: true }) ?? reservedProblem(subject);
      if (problem !== null) return [{ path: at, message: `the subject "${subject}" ${problem}` }];
      const other = subjects
        .slice(0, i)
        .find((earlier) => subjectProblem(earlier, { wildcards: true }) === null && subjectsOverlap(earlier, subject));
      if (other === undefined) return [];
      return [
        {
          path: at,
          message: `"${subject}" and "${other}" have messages in common, which would come twice`,
          fix: 'each subject is read by itself: make them disjoint',
        },
      ];
    }),
  ];
}

function checkStream(stream: string | undefined, path: readonly PathPart[]): readonly Issue[] {
  if (stream === undefined) return [];
  const problem =
    streamNameProblem(stream) ?? (stream.startsWith(STREAM_ROOT) ? `begins with ${STREAM_ROOT}, as the streams of Millrace itself` : null);
  return problem === null ? [] : [{ path: formatPath([...path, 'stream']), message: `the stream name "${stream}" ${problem}` }];
}

function reservedProblem(subject: string): string | null {
  const [first = ''] = subject.split('.');
  if (first === SUBJECT_ROOT) return `begins with ${SUBJECT_ROOT}, as the subjects of Millrace itself`;
  return first.startsWith('$') || first.startsWith('_') ? `begins with ${first[0]}, as those of NATS itself` : null;
}

/** Paths stay inside the output folder, and no two sinks share a file or need a file where the other needs a folder. */
function checkFiles(job: StreamJob): readonly Issue[] {
  const taken = new Map<string, string>([[fileKey(DEAD_LETTERS_FILE), 'the dead letters']]);
  return job.spec.sinks.flatMap(({ name, file }, i): readonly Issue[] => {
    if (file === undefined) return [];
    const at = formatPath(['spec', 'sinks', i, 'file', 'path']);
    const problem = filePathProblem(file.path);
    if (problem !== null)
      return [
        {
          path: at,
          message: `"${file.path}" ${problem}`,
          fix: 'a path such as hourly.ndjson or delays/hourly.ndjson, inside the output folder',
        },
      ];
    const key = fileKey(file.path);
    const clash = [...taken].find(([other]) => other === key || other.startsWith(`${key}/`) || key.startsWith(`${other}/`));
    if (clash === undefined) {
      taken.set(key, `sink "${name}"`);
      return [];
    }
    return [
      {
        path: at,
        message: `"${file.path}" is where ${clash[1]} ${clash[1].endsWith('s') ? 'are' : 'is'} written (${clash[0]})`,
        fix: 'a file of its own for each sink',
      },
    ];
  });
}

function filePathProblem(path: string): string | null {
  if (/[\u0000-\u001f\\]/.test(path)) return 'has a backslash or control character';
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'is an absolute path';
  const normal = posix.normalize(path);
  if (normal === '..' || normal.startsWith('../')) return 'leads out of the output folder';
  return normal === '.' || normal.endsWith('/') ? 'names a folder, not a file' : null;
}

/** Equal for paths of one file, on file systems that ignore case too. */
function fileKey(path: string): string {
  return posix.normalize(path).toLowerCase();
}

function checkSubjects(job: StreamJob): readonly Issue[] {
  const taken = new Map<string, string>([[deadLettersSubject(job.metadata.name), 'the dead letters']]);
  return job.spec.sinks.flatMap(({ name, nats }, i): readonly Issue[] => {
    if (nats === undefined) return [];
    const path = ['spec', 'sinks', i, 'nats'];
    const at = formatPath([...path, 'subject']);
    const { subject } = nats;
    const issues = [...checkStream(nats.stream, path)];
    const problem = subjectProblem(subject, { wildcards: false }) ?? reservedProblem(subject);
    const owner = taken.get(subject);
    if (problem !== null) issues.push({ path: at, message: `the subject "${subject}" ${problem}` });
    else if (owner !== undefined)
      issues.push({ path: at, message: `the subject "${subject}" belongs to ${owner}`, fix: 'a subject that only this sink writes' });
    else taken.set(subject, `sink "${name}"`);
    return issues;
  });
}
