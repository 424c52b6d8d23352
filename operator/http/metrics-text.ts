// Figures as OpenMetrics text. Pure.

export type Sample = { readonly labels?: Readonly<Record<string, string>>; readonly value: number };
export type Metric = {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly Sample[];
};

/** Counters are named without `_total`: the text form adds it. */
export function metricsText(metrics: readonly Metric[]): string {
  return `${metrics.flatMap(linesOf).join('\n')}\n# EOF\n`;
}

function linesOf({ name, type, help, samples }: Metric): readonly string[] {
  const end = type === 'counter' ? '_total' : '';
  return [
    `# TYPE ${name} ${type}`,
    `# HELP ${name} ${help}`,
    ...samples.map(({ labels = {}, value }) => `${name}${end}${labelsText(labels)} ${value}`),
  ];
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
