// A small curve of events a second over the last two minutes.

import { type ReactNode, useEffect, useRef } from 'react';
import uPlot from 'uplot';
import { rate } from './format.ts';
import type { Sample } from './history.ts';

const HEIGHT = 120;

export function Curve({ samples, name }: { readonly samples: readonly Sample[]; readonly name: string }): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  useEffect(() => {
    const { current } = place;
    if (current === null) return;
    const color = (variable: string) => (): string => getComputedStyle(current).getPropertyValue(variable);
    const axis = { stroke: color('--muted'), grid: { stroke: color('--line'), width: 1 }, ticks: { show: false }, font: '11px system-ui' };
    const made = new uPlot(
      {
        width: current.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.1)] } },
        axes: [
          { ...axis, size: 22 },
          { ...axis, size: 52, values: (_plot, values) => values.map((value) => rate(value)) },
        ],
        series: [{}, { stroke: color('--accent'), width: 2, fill: color('--accent-soft'), points: { show: false } }],
      },
      [[], []],
      current,
    );
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: current.clientWidth, height: HEIGHT }));
    watch.observe(current);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, []);
  const last = samples.at(-1);
  useEffect(() => {
    plot.current?.setData([samples.map(({ atMs }) => atMs / 1_000), samples.map(({ perS }) => perS)]);
  }, [last, samples]);
  return <div className="curve" ref={place} role="img" aria-label={`${name}: ${rate(last?.perS ?? 0)} now`} />;
}
