// Places for boxes and lines, by dagre. Pure.

import dagre from '@dagrejs/dagre';

export type Point = { readonly x: number; readonly y: number };
export type BoxIn = {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly parent?: string | null;
  readonly isFirst?: boolean;
};
export type LineIn = {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly label?: { width: number; height: number };
};
export type Placed = {
  readonly boxes: ReadonlyMap<string, Rectangle>;
  readonly lines: ReadonlyMap<string, { readonly points: readonly Point[]; readonly label: Point | null }>;
};
export type Spacing = { readonly direction: 'LR' | 'TB'; readonly between: number; readonly along: number };

/** Boxes by their upper left corner, from the origin of the whole drawing. */
export function layOut(boxes: readonly BoxIn[], lines: readonly LineIn[], { direction, between, along }: Spacing): Placed {
  const graph = new dagre.graphlib.Graph({ compound: true, multigraph: true });
  graph.setGraph({ rankdir: direction, nodesep: between, ranksep: along, marginx: 24, marginy: 24 });
  const parents = new Set(boxes.flatMap(({ parent }) => (parent === null || parent === undefined ? [] : [parent])));
  for (const { id, width, height } of boxes) graph.setNode(id, { width, height });
  for (const { id, parent } of boxes) if (parent !== null && parent !== undefined) graph.setParent(id, parent);
  // dagre draws no line to a box that holds others: its first inner box stands for it, and the line is cut at the border.
  // A way in leads to where the box begins, a way out from where it may end.
  const leafOf = (id: string, end: 'in' | 'out'): string => {
    const children = parents.has(id) ? boxes.filter(({ parent }) => parent === id) : [];
    const first = children.find(({ isFirst }) => isFirst === true) ?? children[0];
    const child = end === 'in' ? first : (children.findLast((one) => one !== first) ?? first);
    return child === undefined ? id : leafOf(child.id, end);
  };
  for (const { id, from, to, label } of lines)
    graph.setEdge(leafOf(from, 'out'), leafOf(to, 'in'), { ...(label ?? { width: 0, height: 0 }), labelpos: 'c' }, id);
  dagre.layout(graph);
  const placed = new Map(
    boxes.map(({ id }) => {
      const { x = 0, y = 0, width = 0, height = 0 } = graph.node(id) as Partial<Rectangle>;
      return [id, { x: x - width / 2, y: y - height / 2, width, height }];
    }),
  );
  const isInside = (id: string, holder: string): boolean => {
    const parent = boxes.find((box) => box.id === id)?.parent ?? null;
    return parent !== null && (parent === holder || isInside(parent, holder));
  };
  return {
    boxes: placed,
    lines: new Map(
      lines.map(({ id, from, to }) => {
        const line = graph.edge(leafOf(from, 'out'), leafOf(to, 'in'), id) as { points?: Point[]; x?: number; y?: number } | undefined;
        const whole = line?.points ?? [];
        let points: readonly Point[] = whole;
        const [begin, end] = [placed.get(from), placed.get(to)];
        if (begin !== undefined && parents.has(from) && !isInside(to, from)) points = cutBegin(points, begin);
        if (end !== undefined && parents.has(to) && !isInside(from, to)) points = cutBegin(points.toReversed(), end).toReversed();
        const label =
          line?.x === undefined || line.y === undefined || points.length < whole.length ? middleOf(points) : { x: line.x, y: line.y };
        if (from === to && begin !== undefined && label !== null) points = loopAt(begin, label, direction);
        return [id, { points, label }];
      }),
    ),
  };
}

/** Out of a box and back into it, by way of its label: on the side where no other line begins or ends. */
function loopAt({ x, y, width, height }: Rectangle, label: Point, direction: Spacing['direction']): readonly Point[] {
  if (direction === 'LR') {
    const [begin, end, bottom] = [x + width * 0.85, x + width * 0.15, y + height];
    return [
      { x: begin, y: bottom },
      { x: begin, y: label.y },
      { x: end, y: label.y },
      { x: end, y: bottom },
    ];
  }
  const [begin, end, right] = [y + height * 0.85, y + height * 0.15, x + width];
  return [
    { x: right, y: begin },
    { x: label.x, y: begin },
    { x: label.x, y: end },
    { x: right, y: end },
  ];
}

function middleOf(points: readonly Point[]): Point | null {
  const lengths = points.slice(1).map((point, at) => Math.hypot(point.x - points[at]!.x, point.y - points[at]!.y));
  let rest = lengths.reduce((sum, length) => sum + length, 0) / 2;
  for (const [at, length] of lengths.entries()) {
    const [from, to] = [points[at] as Point, points[at + 1] as Point];
    if (rest <= length && length > 0)
      return { x: from.x + ((to.x - from.x) * rest) / length, y: from.y + ((to.y - from.y) * rest) / length };
    rest -= length;
  }
  return points[0] ?? null;
}

type Rectangle = Point & { readonly width: number; readonly height: number };

/** Without what lies inside the rectangle: it begins at the border. */
function cutBegin(points: readonly Point[], box: Rectangle): readonly Point[] {
  const first = points.findIndex((point) => !contains(box, point));
  const [inside, outside] = [points[first - 1], points[first]];
  if (first <= 0 || inside === undefined || outside === undefined) return points;
  return [crossing(inside, outside, box), ...points.slice(first)];
}

function contains({ x, y, width, height }: Rectangle, point: Point): boolean {
  return point.x >= x && point.x <= x + width && point.y >= y && point.y <= y + height;
}

/** Where the way from inside to outside meets the border. */
function crossing(inside: Point, outside: Point, { x, y, width, height }: Rectangle): Point {
  const [dx, dy] = [outside.x - inside.x, outside.y - inside.y];
  const shares = [
    dx > 0 ? (x + width - inside.x) / dx : dx < 0 ? (x - inside.x) / dx : 1,
    dy > 0 ? (y + height - inside.y) / dy : dy < 0 ? (y - inside.y) / dy : 1,
  ];
  const share = Math.min(...shares);
  return { x: inside.x + dx * share, y: inside.y + dy * share };
}

/** A line through points, rounded where it bends. */
export function pathThrough(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const parts = [`M${first.x},${first.y}`];
  for (let i = 0; i < rest.length; i++) {
    const at = rest[i] as Point;
    const next = rest[i + 1];
    if (next === undefined) parts.push(`L${at.x},${at.y}`);
    else parts.push(`Q${at.x},${at.y} ${(at.x + next.x) / 2},${(at.y + next.y) / 2}`);
  }
  return parts.join(' ');
}
