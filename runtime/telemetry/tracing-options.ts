// Where traces go and how many: from OpenTelemetry's own variables.
//
//   OTEL_EXPORTER_OTLP_ENDPOINT          http://collector:4318; `/v1/traces` is added
//   OTEL_EXPORTER_OTLP_TRACES_ENDPOINT   the whole address; wins
//   OTEL_EXPORTER_OTLP_HEADERS           name=value,name=value (percent-encoded)
//   OTEL_TRACES_SAMPLER_ARG              share of a source's events that begin a trace, 0 … 1
//   OTEL_SDK_DISABLED=true               nothing is traced
//
//   O1. Without an endpoint nothing is traced and nothing is loaded.
//   O2. A variable that is wrong is told and passed over: traces must not keep a job from running.

export type TracingOptions = {
  /** OTLP over HTTP, the whole address. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly ratio: number;
};

/** One event in a thousand. */
export const RATIO_DEFAULT = 0.001;

type Environment = Readonly<Record<string, string | undefined>>;

/** Null: nothing is traced. `problems`: what was passed over, a sentence each (O2). */
export function tracingOptions(environment: Environment): {
  readonly options: TracingOptions | null;
  readonly problems: readonly string[];
} {
  const problems: string[] = [];
  const value = (name: string): string => (environment[name] ?? '').trim();
  const base = value('OTEL_EXPORTER_OTLP_ENDPOINT');
  const whole = value('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT');
  if (value('OTEL_SDK_DISABLED').toLowerCase() === 'true' || (base === '' && whole === '')) return { options: null, problems };
  const url = whole === '' ? tracesUrl(base) : whole;
  if (!isHttpUrl(url)) {
    problems.push(`nothing is traced: ${JSON.stringify(whole === '' ? base : whole)} is no http(s) address of an OTLP collector`);
    return { options: null, problems };
  }
  const text = value('OTEL_TRACES_SAMPLER_ARG');
  const ratio = text === '' ? RATIO_DEFAULT : Number(text);
  const isShare = ratio >= 0 && ratio <= 1;
  if (!isShare) problems.push(`OTEL_TRACES_SAMPLER_ARG is ${JSON.stringify(text)}, no share from 0 to 1; ${RATIO_DEFAULT} is taken`);
  return {
    options: { url, headers: headersOf(value('OTEL_EXPORTER_OTLP_HEADERS'), problems), ratio: isShare ? ratio : RATIO_DEFAULT },
    problems,
  };
}

/** The same variables with what a job, or who runs it, says about traces: that wins. */
export function withWishes(
  environment: Environment,
  { endpoint, sampling }: { readonly endpoint?: string | undefined; readonly sampling?: number | undefined },
): Environment {
  return {
    ...environment,
    ...(endpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: undefined }),
    ...(sampling === undefined ? {} : { OTEL_TRACES_SAMPLER_ARG: String(sampling) }),
  };
}

/** The address of traces at an OTLP endpoint. */
export function tracesUrl(endpoint: string): string {
  return `${endpoint.replace(/\/+$/, '')}/v1/traces`;
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function headersOf(text: string, problems: string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const part of text.split(',').filter((one) => one.trim() !== '')) {
    const at = part.indexOf('=');
    try {
      if (at < 1) throw new URIError();
      headers[decodeURIComponent(part.slice(0, at).trim())] = decodeURIComponent(part.slice(at + 1).trim());
    } catch {
      problems.push('OTEL_EXPORTER_OTLP_HEADERS has a part that is not name=value; it is passed over'); // values may be secret
    }
  }
  return headers;
}
