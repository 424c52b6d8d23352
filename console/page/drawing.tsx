// What all drawings share: boxes and lines that were placed, in a pane that can be moved and enlarged.

import {
  BaseEdge,
  Controls,
  EdgeLabelRenderer,
  type Edge,
  type EdgeProps,
  type FitViewOptions,
  type Node,
  type NodeTypes,
  Position,
  ReactFlow,
  useReactFlow,
  useStore,
  type Viewport,
} from '@xyflow/react';
import { type ReactNode, type RefObject, useEffect, useRef } from 'react';
import { pathThrough, type Placed, type Point } from './layout.ts';

export type LineData = {
  readonly points: readonly Point[];
  readonly label: Point | null;
  readonly content: ReactNode;
  /** 0 … 1: how strong it is drawn. */
  readonly weight: number;
  readonly [name: string]: unknown;
};
export type Box = Node<Record<string, unknown>>;
export type Line = Edge<LineData>;

export type DrawingProps = {
  readonly name: string;
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
  readonly kinds: NodeTypes;
  readonly onChosen?: (id: string) => void;
  /** Changes when other boxes are shown: the pane moves so that all are seen. */
  readonly fitKey: string;
  /** Pixels beside and below the boxes that lines and their labels need. */
  readonly room?: { readonly right: number; readonly bottom: number };
};

const PADDING = 0.06;
const NO_ROOM = { right: 0, bottom: 0 };

const edgeTypes = { placed: PlacedLine };

export function Drawing({ name, boxes, lines, kinds, onChosen, fitKey, room = NO_ROOM }: DrawingProps): ReactNode {
  const padding = {
    x: PADDING,
    y: PADDING,
    ...(room.right > 0 ? { right: `${room.right}px` as const } : {}),
    ...(room.bottom > 0 ? { bottom: `${room.bottom}px` as const } : {}),
  };
  const fitting = { padding, maxZoom: 1 };
  /** By who looks: then it stays where it was put. */
  const isMoved = useRef(false);
  const grabbed = useRef<Viewport | null>(null);
  const moved = (is: boolean) => (): void => void (isMoved.current = is);
  return (
    <div className="drawing" role="region" aria-label={name}>
      <div className="pane">
        <ReactFlow
          key={fitKey}
          nodes={[...boxes]}
          edges={[...lines]}
          nodeTypes={kinds}
          edgeTypes={edgeTypes}
          onNodeClick={(_event, node) => onChosen?.(node.id)}
          onMoveStart={(_event, viewport) => {
            grabbed.current = viewport;
          }}
          onMoveEnd={(event, viewport) => {
            if (event !== null && isFar(grabbed.current, viewport)) isMoved.current = true;
          }}
          onNodesChange={(changes) => {
            for (const change of changes) if (change.type === 'select' && change.selected) onChosen?.(change.id);
          }}
          nodesDraggable={false}
          nodesConnectable={false}
          edgesFocusable={false}
          onlyRenderVisibleElements={boxes.length > 60}
          minZoom={0.15}
          maxZoom={1.6}
          fitView
          fitViewOptions={fitting}
          disableKeyboardA11y={onChosen === undefined}
          nodesFocusable={onChosen !== undefined}
        >
          <Controls
            showInteractive={false}
            fitViewOptions={fitting}
            position={room.right > 0 ? 'bottom-right' : 'bottom-left'}
            onZoomIn={moved(true)}
            onZoomOut={moved(true)}
            onFitView={moved(false)}
          />
          <FitAgain fit={fitting} isMoved={isMoved} />
        </ReactFlow>
      </div>
    </div>
  );
}

/** More than a hand that trembles while it clicks. */
function isFar(from: Viewport | null, to: Viewport): boolean {
  return from === null || from.zoom !== to.zoom || Math.hypot(to.x - from.x, to.y - from.y) > 4;
}

/** All boxes stay in sight when the pane becomes narrower or wider: a panel opens beside it, the window changes. */
function FitAgain({ fit, isMoved }: { readonly fit: FitViewOptions; readonly isMoved: RefObject<boolean> }): ReactNode {
  const { fitView } = useReactFlow();
  const size = useStore(({ width, height }) => `${width} ${height}`);
  const latest = useRef(fit);
  latest.current = fit;
  useEffect(() => void (isMoved.current = false), [isMoved]);
  useEffect(() => {
    if (!isMoved.current) void fitView(latest.current);
  }, [size, fitView, isMoved]);
  return null;
}

/** A box at its place, with the sides where lines begin and end. */
export function boxAt(id: string, type: string, placed: Placed, data: Record<string, unknown>, more: Partial<Box> = {}): Box {
  const { x, y, width, height } = placed.boxes.get(id) ?? { x: 0, y: 0, width: 0, height: 0 };
  const handle = { width: 1, height: 1, y: height / 2 };
  return {
    id,
    type,
    position: { x, y },
    width,
    height,
    measured: { width, height },
    data,
    handles: [
      { ...handle, type: 'target', position: Position.Left, x: 0 },
      { ...handle, type: 'source', position: Position.Right, x: width },
    ],
    ...more,
  };
}

export function lineAt(
  id: string,
  ends: { from: string; to: string },
  placed: Placed,
  drawn: { content: ReactNode; weight: number },
): Line {
  const { points, label } = placed.lines.get(id) ?? { points: [], label: null };
  return { id, source: ends.from, target: ends.to, type: 'placed', data: { points, label, ...drawn } };
}

function PlacedLine({ id, data }: EdgeProps<Line>): ReactNode {
  if (data === undefined || data.points.length === 0) return null;
  const end = data.points.at(-1) as Point;
  const before = data.points.at(-2) as Point;
  const angle = (Math.atan2(end.y - before.y, end.x - before.x) * 180) / Math.PI;
  return (
    <>
      <BaseEdge
        id={id}
        path={pathThrough(data.points)}
        style={{ strokeWidth: 1.2 + 2.6 * data.weight, opacity: 0.55 + 0.45 * data.weight }}
      />
      <path className="arrow" d="M-7,-4L0,0L-7,4" transform={`translate(${end.x},${end.y}) rotate(${angle})`} />
      {data.content !== null && data.label !== null && (
        <EdgeLabelRenderer>
          <div className="line-label" style={{ transform: `translate(-50%, -50%) translate(${data.label.x}px, ${data.label.y}px)` }}>
            {data.content}
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
}
