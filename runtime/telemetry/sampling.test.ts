import { describe, expect, test } from 'vitest';
import { seededRandom } from '../testing/seeded-random.ts';
import { cleanText } from './conventions.ts';
import { RatioSampler } from './sampling.ts';
import { KEPT_BURST, KEPT_PER_SECOND, SPANS_PER_TRACE_MAX, TraceBudget } from './trace-budget.ts';
import { RATIO_DEFAULT, tracingOptions, withWishes } from './tracing-options.ts';

describe('a share of the events', () => {
  test.each([0.001, 0.01, 0.3])('is %f in the long run, however batches are cut', (ratio) => {
    const sampler = new RatioSampler(ratio, seededRandom(7));
    let taken = 0;
    let count = 0;
    for (let batch = 0; count < 1_000_000; batch++) {
      const size = 1 + ((batch * 7919) % 3_000);
      const indices = sampler.next(size);
      expect(indices.every((index, i) => index < size && index > (indices[i - 1] ?? -1))).toBe(true);
      taken += indices.length;
      count += size;
    }
    const deviation = Math.sqrt(count * ratio * (1 - ratio));
    expect(Math.abs(taken - count * ratio)).toBeLessThan(5 * deviation);
  });

  test('none and all', () => {
    expect(new RatioSampler(0, seededRandom(1)).next(1_000_000)).toEqual([]);
    expect(new RatioSampler(1, seededRandom(1)).next(3)).toEqual([0, 1, 2]);
  });
});

describe('the budget', () => {
  test('a trace has so many spans, and the last is known', () => {
    const budget = new TraceBudget();
    const answers = Array.from({ length: SPANS_PER_TRACE_MAX + 2 }, () => budget.span('t'));
    expect(answers.slice(-4)).toEqual(['yes', 'last', 'no', 'no']);
    expect(budget.span('other')).toBe('yes');
  });

  test('traces kept because of what happened: a burst, then so many a second; a clock that goes back gives none', () => {
    const budget = new TraceBudget();
    const kept = (nowMs: number): number => Array.from({ length: 1_000 }, () => budget.keep(nowMs)).filter(Boolean).length;
    expect(kept(0)).toBe(KEPT_BURST);
    expect(kept(1_000)).toBe(KEPT_PER_SECOND);
    expect(kept(500)).toBe(0);
    expect(kept(1_000)).toBe(0);
    expect(kept(1_000_000)).toBe(KEPT_BURST);
  });
});

describe("OpenTelemetry's variables", () => {
  test.each([
    { fact: 'without an endpoint nothing is traced', environment: { OTEL_TRACES_SAMPLER_ARG: '1' }, url: null, ratio: null },
    {
      fact: 'the endpoint gets the path of traces',
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/' },
      url: 'http://c:4318/v1/traces',
      ratio: RATIO_DEFAULT,
    },
    {
      fact: 'that of traces is taken as it is, and wins',
      environment: {
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318',
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://t/in',
        OTEL_TRACES_SAMPLER_ARG: '0.5',
      },
      url: 'https://t/in',
      ratio: 0.5,
    },
    {
      fact: 'the SDK may be disabled',
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_SDK_DISABLED: 'TRUE' },
      url: null,
      ratio: null,
    },
  ])('$fact', ({ environment, url, ratio }) => {
    const { options, problems } = tracingOptions(environment);
    expect([options?.url ?? null, options?.ratio ?? null, problems]).toEqual([url, ratio, []]);
  });

  test.each([
    { environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, problem: /"collector:4318" is no http\(s\) address/ },
    { environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_TRACES_SAMPLER_ARG: 'all' }, problem: /"all", no share/ },
    { environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_EXPORTER_OTLP_HEADERS: 'secret' }, problem: /^(?!.*secret)/ },
  ])('what is wrong is told and passed over: $environment', ({ environment, problem }) => {
    const { problems } = tracingOptions(environment);
    expect(problems).toEqual([expect.stringMatching(problem)]);
  });

  test('headers are percent-decoded, and a wish wins over the environment', () => {
    const environment = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t', OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x, a=b=c' };
    expect(tracingOptions(environment).options?.headers).toEqual({ authorization: 'Bearer x', a: 'b=c' });
    expect(tracingOptions(withWishes(environment, { endpoint: 'http://w', sampling: 0 })).options).toMatchObject({
      url: 'http://w/v1/traces',
      ratio: 0,
    });
  });
});

test('texts of users are cut and cannot write into terminals or logs', () => {
  expect(cleanText('a\u001b[31mb\r\nc\u202e\u0000')).toBe('a\ufffd[31mb\ufffd\ufffdc\ufffd\ufffd');
  expect(cleanText('x'.repeat(10_000))).toHaveLength(257);
});
