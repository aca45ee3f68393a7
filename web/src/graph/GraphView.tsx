// The graph of a DAG, as SVG of our own: only what is in view is drawn, so a thousand tasks move smoothly.
import { useMemo, useState } from 'react';
import type { Task } from '../api/types';
import { IconButton } from '../components/Button';
import { EmptyNotice, ErrorNotice, Loading } from '../components/Notice';
import { GraphEdge } from './GraphEdge';
import { GraphNode, type NodeFace } from './GraphNode';
import './GraphView.css';
import { graphInput, NODE, overlap, relatives, type Direction } from './model';
import { useLayout } from './useLayout';
import { useViewport } from './useViewport';
import { visibleArea } from './viewport';

/** Below this scale names are not drawn. */
const COARSE = 0.32;

interface Props {
  tasks: readonly Task[];
  faceOf: (taskId: string) => NodeFace;
  selected: string | null;
  onOpen: (taskId: string) => void;
}

export function GraphView({ tasks, faceOf, selected, onOpen }: Props) {
  const [direction, setDirection] = useState<Direction>('LR');
  const [hovered, setHovered] = useState<string | null>(null);
  const input = useMemo(() => graphInput(tasks, direction), [tasks, direction]);
  const layout = useLayout(input);
  const { pane, size, view, handlers, zoomBy, fitAll } = useViewport(layout.data, selected);

  const focus = hovered ?? selected;
  const near = useMemo(() => (focus === null ? null : relatives(input.edges, focus)), [input, focus]);
  const area = visibleArea(view, size);
  const nodes = (layout.data?.nodes ?? []).filter(({ x, y }) =>
    overlap(area, { left: x, top: y, right: x + NODE.width, bottom: y + NODE.height }),
  );
  const edges = (layout.data?.edges ?? []).filter(({ box }) => overlap(area, box));
  const coarse = view.scale < COARSE;

  return (
    <div className="graph">
      {/* The pane pans by keys; what can be opened are the buttons inside it. */}
      {}
      <svg
        ref={pane}
        className="graph__pane"
        role="group"
        aria-label={`Graph of ${tasks.length} tasks. Arrow keys move it, plus and minus zoom, 0 fits it.`}

        tabIndex={0}
        {...handlers}
      >
        <defs>
          <marker id="graph-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path d="M0 0.5 8 4 0 7.5z" />
          </marker>
        </defs>
        <g transform={`translate(${view.x} ${view.y}) scale(${view.scale})`}>
          {edges.map((edge) => {
            const lit = near !== null && near.has(edge.from) && near.has(edge.to);
            return <GraphEdge key={`${edge.from} ${edge.to}`} path={edge.path} lit={lit} dimmed={near !== null && !lit} />;
          })}
          {nodes.map((node) => (
            <GraphNode
              key={node.id}
              node={node}
              face={faceOf(node.id)}
              selected={node.id === selected}
              dimmed={hovered !== null && near !== null && !near.has(node.id)}
              coarse={coarse}
              onOpen={onOpen}
              onHover={setHovered}
            />
          ))}
        </g>
      </svg>
      {layout.isPending && tasks.length > 0 && <Loading what="graph" />}
      {layout.isError && <ErrorNotice error={layout.error} />}
      {tasks.length === 0 && <EmptyNotice title="This DAG has no tasks" />}
      <div className="graph__tools" role="toolbar" aria-label="Graph">
        <IconButton icon="plus" label="Zoom in" onClick={() => zoomBy(1.25)} />
        <IconButton icon="minus" label="Zoom out" onClick={() => zoomBy(0.8)} />
        <IconButton icon="fit" label="Fit the graph" onClick={fitAll} />
        <IconButton
          icon="turn"
          label={direction === 'LR' ? 'Draw from top to bottom' : 'Draw from left to right'}
          onClick={() => setDirection(direction === 'LR' ? 'TB' : 'LR')}
        />
      </div>
    </div>
  );
}
